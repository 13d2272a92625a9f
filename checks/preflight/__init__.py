"""Before a deployment: will this package, as it will be deployed, import and find its names? Nothing of it is run."""
