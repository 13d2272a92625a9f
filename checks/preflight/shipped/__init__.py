"""What is shipped and what it needs: from folders, images and what deploys them to packages."""
