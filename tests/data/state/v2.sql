BEGIN TRANSACTION;
CREATE TABLE acknowledgements (
	id INTEGER NOT NULL, 
	incident INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	author VARCHAR(200) NOT NULL, 
	note TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE check_runs (
	id INTEGER NOT NULL, 
	check_name VARCHAR(200) NOT NULL, 
	started_at VARCHAR(27) NOT NULL, 
	finished_at VARCHAR(27) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	findings INTEGER NOT NULL, 
	evidence TEXT NOT NULL, 
	error TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "check_runs" VALUES(1,'function_logs','2026-01-26T11:00:00.000000Z','2026-01-26T11:00:00.000000Z','FAILING',1,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
INSERT INTO "check_runs" VALUES(2,'function_logs','2026-01-26T12:00:00.000000Z','2026-01-26T12:00:00.000000Z','FAILING',1,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
INSERT INTO "check_runs" VALUES(3,'function_logs','2026-01-26T13:00:00.000000Z','2026-01-26T13:00:00.000000Z','OK',0,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
INSERT INTO "check_runs" VALUES(4,'completions','2026-01-26T14:00:00.000000Z','2026-01-26T14:00:00.000000Z','FAILING',1,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
INSERT INTO "check_runs" VALUES(5,'function_logs','2026-01-26T15:00:00.000000Z','2026-01-26T15:00:00.000000Z','FAILING',2,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
INSERT INTO "check_runs" VALUES(6,'function_logs','2026-01-26T16:00:00.000000Z','2026-01-26T16:00:00.000000Z','OK',0,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
INSERT INTO "check_runs" VALUES(7,'completions','2026-01-26T16:00:00.000000Z','2026-01-26T16:00:00.000000Z','FAILING',1,'{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}',NULL);
CREATE TABLE closures (
	fingerprint VARCHAR(700) NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	closure TEXT NOT NULL, 
	PRIMARY KEY (fingerprint)
);
CREATE TABLE cursors (
	check_name VARCHAR(200) NOT NULL, 
	value TEXT NOT NULL, 
	updated_at VARCHAR(27) NOT NULL, 
	PRIMARY KEY (check_name)
);
INSERT INTO "cursors" VALUES('function_logs','{"source":{"offset":7},"carry":null}','2026-01-26T11:00:00.000000Z');
CREATE TABLE faults (
	fingerprint VARCHAR(700) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	incident INTEGER, 
	resolved_at VARCHAR(27), 
	fault TEXT NOT NULL, 
	PRIMARY KEY (fingerprint)
);
INSERT INTO "faults" VALUES('log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py','firing',1,NULL,'{"finding":{"fingerprint":"log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"phase3-to-phase4-orchestrator","table":null,"check":null},"title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","since":"2026-01-26T11:00:00Z","last_seen":"2026-01-26T11:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"firestore","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T11:00:00Z","count":1,"fired_at":"2026-01-26T11:00:00Z","resolved_at":null,"resolution":null,"incident":1}');
INSERT INTO "faults" VALUES('log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py','resolved',2,'2026-01-26T13:00:00.000000Z','{"finding":{"fingerprint":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"scrapers","table":null,"check":null},"title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"ModuleNotFoundError","name":"requests","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":"2026-01-26T13:00:00Z","resolution":"it ran cleanly","incident":2}');
INSERT INTO "faults" VALUES('phase:nba:phase3:2026-01-25','firing',3,NULL,'{"finding":{"fingerprint":"phase:nba:phase3:2026-01-25","check":"completions","kind":"phase.failed","severity":"critical","subject":{"pipeline":"nba","phase":"phase3","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase3 of 25 January 2026 is failed","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"state":"failed","missing":"player_game_summary","checked at":"2026-01-26T14:00:00+00:00"},"holds_up":[{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","due_at":"2026-01-26T16:00:00Z"}],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"incident":3}');
INSERT INTO "faults" VALUES('log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py','resolved',4,'2026-01-26T16:00:00.000000Z','{"finding":{"fingerprint":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''json'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"json","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO "faults" VALUES('log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py','resolved',4,'2026-01-26T16:00:00.000000Z','{"finding":{"fingerprint":"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''os'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"os","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO "faults" VALUES('phase:nba:phase4:2026-01-25','pending',NULL,NULL,'{"finding":{"fingerprint":"phase:nba:phase4:2026-01-25","check":"completions","kind":"phase.blocked","severity":"critical","subject":{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase4 of 25 January 2026 is blocked","since":"2026-01-26T16:00:00Z","last_seen":"2026-01-26T16:00:00Z","occurrences":1,"facts":{"state":"blocked","missing":"player_game_summary","checked at":"2026-01-26T16:00:00+00:00"},"holds_up":[],"pending_for":"PT30M","consequence":true,"quiet":false},"state":"pending","opened_at":"2026-01-26T16:00:00Z","count":1,"fired_at":null,"resolved_at":null,"resolution":null,"incident":null,"news_at":"2026-01-26T16:00:00Z","reopened":[]}');
CREATE TABLE incidents (
	id INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	opened_at VARCHAR(27) NOT NULL, 
	resolved_at VARCHAR(27), 
	announced_at VARCHAR(27), 
	incident TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "incidents" VALUES(1,'open','2026-01-26T11:00:00.000000Z',NULL,'2026-01-26T11:00:00.000000Z','{"id":1,"state":"open","root":"log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py","members":["log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T11:00:00Z","explains":{},"resolved_at":null,"merged_into":null}');
INSERT INTO "incidents" VALUES(2,'resolved','2026-01-26T12:00:00.000000Z','2026-01-26T13:00:00.000000Z','2026-01-26T12:00:00.000000Z','{"id":2,"state":"resolved","root":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","members":["log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T12:00:00Z","explains":{},"resolved_at":"2026-01-26T13:00:00Z","merged_into":null}');
INSERT INTO "incidents" VALUES(3,'open','2026-01-26T14:00:00.000000Z',NULL,'2026-01-26T14:00:00.000000Z','{"id":3,"state":"open","root":"phase:nba:phase3:2026-01-25","members":["phase:nba:phase3:2026-01-25"],"opened_at":"2026-01-26T14:00:00Z","explains":{},"resolved_at":null,"merged_into":null}');
INSERT INTO "incidents" VALUES(4,'resolved','2026-01-26T15:00:00.000000Z','2026-01-26T16:00:00.000000Z','2026-01-26T15:00:00.000000Z','{"id":4,"state":"resolved","root":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","members":["log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T15:00:00Z","explains":{"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py":"another failure of loader"},"resolved_at":"2026-01-26T16:00:00Z","merged_into":null,"storm":null}');
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','2');
INSERT INTO "meta" VALUES('identity','e2fc224974b0');
CREATE TABLE notifications (
	id INTEGER NOT NULL, 
	incident INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	why VARCHAR(64) NOT NULL, 
	suppressed BOOLEAN NOT NULL, 
	notification TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "notifications" VALUES(1,1,'2026-01-26T11:00:00.000000Z','new incident',0,'{"incident":1,"at":"2026-01-26T11:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","summary":"","facts":[["Since","Mon 26 Jan 06:00 EST (11:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair phase3-to-phase4-orchestrator and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 06:00 EST (11:00 UTC)"},"reply":null}');
INSERT INTO "notifications" VALUES(2,2,'2026-01-26T12:00:00.000000Z','new incident',0,'{"incident":2,"at":"2026-01-26T12:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair scrapers and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 07:00 EST (12:00 UTC)"},"reply":null}');
INSERT INTO "notifications" VALUES(3,2,'2026-01-26T13:00:00.000000Z','resolved',0,'{"incident":2,"at":"2026-01-26T13:00:00Z","why":"resolved","suppressed":false,"root":{"severity":"critical","state":"resolved","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record\nit ran cleanly"],["Lasted","1 h 0 min"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"},"reply":{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","ModuleNotFoundError: name ''requests'' is not defined in scrapers\nit ran cleanly"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}}');
INSERT INTO "notifications" VALUES(4,3,'2026-01-26T14:00:00.000000Z','new incident',0,'{"incident":3,"at":"2026-01-26T14:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 09:00 EST (14:00 UTC)"],["Phase","still owed: player_game_summary\nchecked Mon 26 Jan 09:00 EST (14:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 09:00 EST (14:00 UTC)"},"reply":null}');
INSERT INTO "notifications" VALUES(5,4,'2026-01-26T15:00:00.000000Z','new incident',0,'{"incident":4,"at":"2026-01-26T15:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Also","NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader"],["Next","repair loader and deploy it"]],"links":[],"footer":"incident #4 · Mon 26 Jan 15:00 UTC (15:00 UTC)","emphasis":null,"mention":""},"reply":null,"to":[]}');
INSERT INTO "notifications" VALUES(6,4,'2026-01-26T16:00:00.000000Z','resolved',0,'{"incident":4,"at":"2026-01-26T16:00:00Z","why":"resolved","suppressed":false,"root":{"severity":"critical","state":"resolved","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Lasted","1 h 0 min"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record\nit \"ran\" cleanly\\n: naïve ☃"],["Also","(over) NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":null,"mention":""},"reply":{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","NameError: name ''json'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"],["Resolved","NameError: name ''os'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":"resolution","mention":""},"to":[]}');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	"key" VARCHAR(120) NOT NULL, 
	incident INTEGER NOT NULL, 
	destination VARCHAR(120) NOT NULL, 
	action VARCHAR(8) NOT NULL, 
	urgency INTEGER NOT NULL, 
	message TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	created_at VARCHAR(27) NOT NULL, 
	not_before VARCHAR(27) NOT NULL, 
	attempts INTEGER NOT NULL, 
	lease_until VARCHAR(27), 
	claimed_by VARCHAR(200), 
	uncertain BOOLEAN NOT NULL, 
	error TEXT, 
	sent_at VARCHAR(27), 
	receipt TEXT, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
INSERT INTO "outbox" VALUES(1,'e2fc224974b0-1-slack-post',1,'slack','post',2,'{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","summary":"","facts":[["Since","Mon 26 Jan 06:00 EST (11:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair phase3-to-phase4-orchestrator and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 06:00 EST (11:00 UTC)"}','sent','2026-01-26T11:00:00.000000Z','2026-01-26T11:00:00.000000Z',1,NULL,'v1',0,NULL,'2026-01-26T12:00:00.000000Z','{"channel":"C0PIPELINE","ts":"2000000001.000100"}');
INSERT INTO "outbox" VALUES(2,'e2fc224974b0-1-bad-post',1,'bad','post',2,'{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","summary":"","facts":[["Since","Mon 26 Jan 06:00 EST (11:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair phase3-to-phase4-orchestrator and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 06:00 EST (11:00 UTC)"}','dead','2026-01-26T11:00:00.000000Z','2026-01-26T11:00:00.000000Z',1,NULL,'v1',0,'Slack''s chat.postMessage in #x: invalid_auth',NULL,NULL);
INSERT INTO "outbox" VALUES(3,'e2fc224974b0-2-slack-post',2,'slack','post',2,'{"severity":"critical","state":"open","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair scrapers and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 07:00 EST (12:00 UTC)"}','sent','2026-01-26T12:00:00.000000Z','2026-01-26T12:00:00.000000Z',1,NULL,'v1',0,NULL,'2026-01-26T12:00:00.000000Z','{"channel":"C0PIPELINE","ts":"2000000002.000100"}');
INSERT INTO "outbox" VALUES(4,'e2fc224974b0-2-bad-post',2,'bad','post',2,'{"severity":"critical","state":"open","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair scrapers and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 07:00 EST (12:00 UTC)"}','dead','2026-01-26T12:00:00.000000Z','2026-01-26T12:00:00.000000Z',1,NULL,'v1',0,'Slack''s chat.postMessage in #x: invalid_auth',NULL,NULL);
INSERT INTO "outbox" VALUES(5,'e2fc224974b0-3-slack-edit',2,'slack','edit',2,'{"severity":"critical","state":"resolved","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record\nit ran cleanly"],["Lasted","1 h 0 min"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}','sent','2026-01-26T13:00:00.000000Z','2026-01-26T13:00:00.000000Z',1,NULL,'v1',0,NULL,'2026-01-26T13:00:00.000000Z','{"channel":"C0PIPELINE","ts":"2000000003.000100"}');
INSERT INTO "outbox" VALUES(6,'e2fc224974b0-3-slack-reply',2,'slack','reply',2,'{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","ModuleNotFoundError: name ''requests'' is not defined in scrapers\nit ran cleanly"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}','sent','2026-01-26T13:00:00.000000Z','2026-01-26T13:00:00.000000Z',1,NULL,'v1',0,NULL,'2026-01-26T13:00:00.000000Z','{"channel":"C0PIPELINE","ts":"2000000004.000100"}');
INSERT INTO "outbox" VALUES(7,'e2fc224974b0-3-bad-edit',2,'bad','edit',2,'{"severity":"critical","state":"resolved","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record\nit ran cleanly"],["Lasted","1 h 0 min"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}','pending','2026-01-26T13:00:00.000000Z','2026-01-26T13:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(8,'e2fc224974b0-3-bad-reply',2,'bad','reply',2,'{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","ModuleNotFoundError: name ''requests'' is not defined in scrapers\nit ran cleanly"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}','pending','2026-01-26T13:00:00.000000Z','2026-01-26T13:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(9,'e2fc224974b0-4-slack-post',3,'slack','post',2,'{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 09:00 EST (14:00 UTC)"],["Phase","still owed: player_game_summary\nchecked Mon 26 Jan 09:00 EST (14:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 09:00 EST (14:00 UTC)"}','pending','2026-01-26T14:00:00.000000Z','2026-01-26T14:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(10,'e2fc224974b0-4-bad-post',3,'bad','post',2,'{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 09:00 EST (14:00 UTC)"],["Phase","still owed: player_game_summary\nchecked Mon 26 Jan 09:00 EST (14:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 09:00 EST (14:00 UTC)"}','pending','2026-01-26T14:00:00.000000Z','2026-01-26T14:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(11,'e2fc224974b0-5-slack-post',4,'slack','post',2,'{"severity":"critical","state":"open","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Also","NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader"],["Next","repair loader and deploy it"]],"links":[],"footer":"incident #4 · Mon 26 Jan 15:00 UTC (15:00 UTC)","emphasis":null,"mention":""}','pending','2026-01-26T15:00:00.000000Z','2026-01-26T15:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(12,'e2fc224974b0-6-slack-edit',4,'slack','edit',2,'{"severity":"critical","state":"resolved","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Lasted","1 h 0 min"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record\nit \"ran\" cleanly\\n: naïve ☃"],["Also","(over) NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":null,"mention":""}','pending','2026-01-26T16:00:00.000000Z','2026-01-26T16:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(13,'e2fc224974b0-6-slack-reply',4,'slack','reply',2,'{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","NameError: name ''json'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"],["Resolved","NameError: name ''os'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":"resolution","mention":""}','pending','2026-01-26T16:00:00.000000Z','2026-01-26T16:00:00.000000Z',0,NULL,NULL,0,NULL,NULL,NULL);
CREATE TABLE silences (
	id INTEGER NOT NULL, 
	starts_at VARCHAR(27) NOT NULL, 
	ends_at VARCHAR(27) NOT NULL, 
	ended_at VARCHAR(27), 
	silence TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE slots (
	check_name VARCHAR(200) NOT NULL, 
	slot VARCHAR(27) NOT NULL, 
	claimed_by VARCHAR(200) NOT NULL, 
	PRIMARY KEY (check_name, slot)
);
INSERT INTO "slots" VALUES('completions','2026-01-26T14:00:00.000000Z','v1');
CREATE TABLE talks (
	incident INTEGER NOT NULL, 
	busy BOOLEAN NOT NULL, 
	talk TEXT NOT NULL, 
	PRIMARY KEY (incident)
);
INSERT INTO "talks" VALUES(4,0,'{"incident":4,"told_at":"2026-01-26T16:00:00Z","severity":"critical","reminders":0,"idle":0,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":"2026-01-26T16:00:00Z"}');
CREATE TABLE transitions (
	id INTEGER NOT NULL, 
	at VARCHAR(27) NOT NULL, 
	fingerprint VARCHAR(700) NOT NULL, 
	change VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	incident INTEGER, 
	fault TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "transitions" VALUES(1,'2026-01-26T11:00:00.000000Z','log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py','opened','seen for the first time',1,'{"finding":{"fingerprint":"log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"phase3-to-phase4-orchestrator","table":null,"check":null},"title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","since":"2026-01-26T11:00:00Z","last_seen":"2026-01-26T11:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"firestore","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T11:00:00Z","count":1,"fired_at":"2026-01-26T11:00:00Z","resolved_at":null,"resolution":null,"incident":1}');
INSERT INTO "transitions" VALUES(2,'2026-01-26T12:00:00.000000Z','log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py','opened','seen for the first time',2,'{"finding":{"fingerprint":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"scrapers","table":null,"check":null},"title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"ModuleNotFoundError","name":"requests","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":null,"resolution":null,"incident":2}');
INSERT INTO "transitions" VALUES(3,'2026-01-26T13:00:00.000000Z','log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py','resolved','it ran cleanly',2,'{"finding":{"fingerprint":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"scrapers","table":null,"check":null},"title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"ModuleNotFoundError","name":"requests","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":"2026-01-26T13:00:00Z","resolution":"it ran cleanly","incident":2}');
INSERT INTO "transitions" VALUES(4,'2026-01-26T14:00:00.000000Z','phase:nba:phase3:2026-01-25','opened','seen for the first time',3,'{"finding":{"fingerprint":"phase:nba:phase3:2026-01-25","check":"completions","kind":"phase.failed","severity":"critical","subject":{"pipeline":"nba","phase":"phase3","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase3 of 25 January 2026 is failed","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"state":"failed","missing":"player_game_summary","checked at":"2026-01-26T14:00:00+00:00"},"holds_up":[{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","due_at":"2026-01-26T16:00:00Z"}],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"incident":3}');
INSERT INTO "transitions" VALUES(5,'2026-01-26T15:00:00.000000Z','log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py','opened','seen for the first time',4,'{"finding":{"fingerprint":"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''os'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"os","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":null,"resolution":null,"incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO "transitions" VALUES(6,'2026-01-26T15:00:00.000000Z','log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py','opened','seen for the first time',4,'{"finding":{"fingerprint":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''json'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"json","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":null,"resolution":null,"incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO "transitions" VALUES(7,'2026-01-26T16:00:00.000000Z','log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py','resolved','it "ran" cleanly\n: naïve ☃',4,'{"finding":{"fingerprint":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''json'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"json","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO "transitions" VALUES(8,'2026-01-26T16:00:00.000000Z','log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py','resolved','it "ran" cleanly\n: naïve ☃',4,'{"finding":{"fingerprint":"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''os'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"os","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO "transitions" VALUES(9,'2026-01-26T16:00:00.000000Z','phase:nba:phase4:2026-01-25','noticed','seen for the first time',NULL,'{"finding":{"fingerprint":"phase:nba:phase4:2026-01-25","check":"completions","kind":"phase.blocked","severity":"critical","subject":{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase4 of 25 January 2026 is blocked","since":"2026-01-26T16:00:00Z","last_seen":"2026-01-26T16:00:00Z","occurrences":1,"facts":{"state":"blocked","missing":"player_game_summary","checked at":"2026-01-26T16:00:00+00:00"},"holds_up":[],"pending_for":"PT30M","consequence":true,"quiet":false},"state":"pending","opened_at":"2026-01-26T16:00:00Z","count":1,"fired_at":null,"resolved_at":null,"resolution":null,"incident":null,"news_at":"2026-01-26T16:00:00Z","reopened":[]}');
CREATE INDEX check_runs_latest ON check_runs (check_name, finished_at);
CREATE INDEX faults_by_state ON faults (state, resolved_at);
CREATE INDEX faults_by_incident ON faults (incident);
CREATE INDEX transitions_by_fault ON transitions (fingerprint, at);
CREATE INDEX transitions_by_time ON transitions (at);
CREATE INDEX incidents_by_state ON incidents (state, resolved_at);
CREATE INDEX notifications_by_time ON notifications (at);
CREATE INDEX notifications_by_incident ON notifications (incident, id);
CREATE INDEX outbox_due ON outbox (state, not_before);
CREATE INDEX outbox_thread ON outbox (incident, destination, id);
CREATE INDEX transitions_by_incident ON transitions (incident, id);
CREATE INDEX silences_by_end ON silences (ends_at);
CREATE INDEX acknowledgements_by_incident ON acknowledgements (incident, id);
CREATE INDEX talks_busy ON talks (busy);
COMMIT;
