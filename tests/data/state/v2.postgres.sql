--
-- PostgreSQL database dump
--

-- Dumped from database version 16.2
-- Dumped by pg_dump version 16.2

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: acknowledgements; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.acknowledgements (
    id integer NOT NULL,
    incident integer NOT NULL,
    at character varying(27) NOT NULL,
    author character varying(200) NOT NULL,
    note text NOT NULL
);


--
-- Name: acknowledgements_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.acknowledgements_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: acknowledgements_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.acknowledgements_id_seq OWNED BY public.acknowledgements.id;


--
-- Name: check_runs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.check_runs (
    id integer NOT NULL,
    check_name character varying(200) NOT NULL,
    started_at character varying(27) NOT NULL,
    finished_at character varying(27) NOT NULL,
    status character varying(16) NOT NULL,
    findings integer NOT NULL,
    evidence text NOT NULL,
    error text
);


--
-- Name: check_runs_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.check_runs_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: check_runs_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.check_runs_id_seq OWNED BY public.check_runs.id;


--
-- Name: closures; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.closures (
    fingerprint character varying(700) NOT NULL,
    at character varying(27) NOT NULL,
    closure text NOT NULL
);


--
-- Name: cursors; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cursors (
    check_name character varying(200) NOT NULL,
    value text NOT NULL,
    updated_at character varying(27) NOT NULL
);


--
-- Name: faults; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.faults (
    fingerprint character varying(700) NOT NULL,
    state character varying(16) NOT NULL,
    incident integer,
    resolved_at character varying(27),
    fault text NOT NULL
);


--
-- Name: incidents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.incidents (
    id integer NOT NULL,
    state character varying(16) NOT NULL,
    opened_at character varying(27) NOT NULL,
    resolved_at character varying(27),
    announced_at character varying(27),
    incident text NOT NULL
);


--
-- Name: meta; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.meta (
    key character varying(64) NOT NULL,
    value text NOT NULL
);


--
-- Name: notifications; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.notifications (
    id integer NOT NULL,
    incident integer NOT NULL,
    at character varying(27) NOT NULL,
    why character varying(64) NOT NULL,
    suppressed boolean NOT NULL,
    notification text NOT NULL
);


--
-- Name: notifications_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.notifications_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: notifications_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.notifications_id_seq OWNED BY public.notifications.id;


--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    id integer NOT NULL,
    key character varying(120) NOT NULL,
    incident integer NOT NULL,
    destination character varying(120) NOT NULL,
    action character varying(8) NOT NULL,
    urgency integer NOT NULL,
    message text NOT NULL,
    state character varying(16) NOT NULL,
    created_at character varying(27) NOT NULL,
    not_before character varying(27) NOT NULL,
    attempts integer NOT NULL,
    lease_until character varying(27),
    claimed_by character varying(200),
    uncertain boolean NOT NULL,
    error text,
    sent_at character varying(27),
    receipt text
);


--
-- Name: outbox_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.outbox_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: outbox_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;


--
-- Name: silences; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.silences (
    id integer NOT NULL,
    starts_at character varying(27) NOT NULL,
    ends_at character varying(27) NOT NULL,
    ended_at character varying(27),
    silence text NOT NULL
);


--
-- Name: silences_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.silences_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: silences_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.silences_id_seq OWNED BY public.silences.id;


--
-- Name: slots; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.slots (
    check_name character varying(200) NOT NULL,
    slot character varying(27) NOT NULL,
    claimed_by character varying(200) NOT NULL
);


--
-- Name: talks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.talks (
    incident integer NOT NULL,
    busy boolean NOT NULL,
    talk text NOT NULL
);


--
-- Name: transitions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transitions (
    id integer NOT NULL,
    at character varying(27) NOT NULL,
    fingerprint character varying(700) NOT NULL,
    change character varying(16) NOT NULL,
    reason text NOT NULL,
    incident integer,
    fault text NOT NULL
);


--
-- Name: transitions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.transitions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: transitions_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.transitions_id_seq OWNED BY public.transitions.id;


--
-- Name: acknowledgements id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.acknowledgements ALTER COLUMN id SET DEFAULT nextval('public.acknowledgements_id_seq'::regclass);


--
-- Name: check_runs id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_runs ALTER COLUMN id SET DEFAULT nextval('public.check_runs_id_seq'::regclass);


--
-- Name: notifications id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.notifications ALTER COLUMN id SET DEFAULT nextval('public.notifications_id_seq'::regclass);


--
-- Name: outbox id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);


--
-- Name: silences id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.silences ALTER COLUMN id SET DEFAULT nextval('public.silences_id_seq'::regclass);


--
-- Name: transitions id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transitions ALTER COLUMN id SET DEFAULT nextval('public.transitions_id_seq'::regclass);


--
-- Data for Name: acknowledgements; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: check_runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.check_runs VALUES (1, 'function_logs', '2026-01-26T11:00:00.000000Z', '2026-01-26T11:00:00.000000Z', 'FAILING', 1, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (2, 'function_logs', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 'FAILING', 1, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (3, 'function_logs', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 'OK', 0, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (4, 'completions', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 'FAILING', 1, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (5, 'function_logs', '2026-01-26T15:00:00.000000Z', '2026-01-26T15:00:00.000000Z', 'FAILING', 2, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (6, 'function_logs', '2026-01-26T16:00:00.000000Z', '2026-01-26T16:00:00.000000Z', 'OK', 0, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (7, 'completions', '2026-01-26T16:00:00.000000Z', '2026-01-26T16:00:00.000000Z', 'FAILING', 1, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);


--
-- Data for Name: closures; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: cursors; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.cursors VALUES ('function_logs', '{"source":{"offset":7},"carry":null}', '2026-01-26T11:00:00.000000Z');


--
-- Data for Name: faults; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.faults VALUES ('log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py', 'firing', 1, NULL, '{"finding":{"fingerprint":"log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"phase3-to-phase4-orchestrator","table":null,"check":null},"title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","since":"2026-01-26T11:00:00Z","last_seen":"2026-01-26T11:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"firestore","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T11:00:00Z","count":1,"fired_at":"2026-01-26T11:00:00Z","resolved_at":null,"resolution":null,"incident":1}');
INSERT INTO public.faults VALUES ('log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py', 'resolved', 2, '2026-01-26T13:00:00.000000Z', '{"finding":{"fingerprint":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"scrapers","table":null,"check":null},"title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"ModuleNotFoundError","name":"requests","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":"2026-01-26T13:00:00Z","resolution":"it ran cleanly","incident":2}');
INSERT INTO public.faults VALUES ('phase:nba:phase3:2026-01-25', 'firing', 3, NULL, '{"finding":{"fingerprint":"phase:nba:phase3:2026-01-25","check":"completions","kind":"phase.failed","severity":"critical","subject":{"pipeline":"nba","phase":"phase3","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase3 of 25 January 2026 is failed","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"state":"failed","missing":"player_game_summary","checked at":"2026-01-26T14:00:00+00:00"},"holds_up":[{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","due_at":"2026-01-26T16:00:00Z"}],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"incident":3}');
INSERT INTO public.faults VALUES ('log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py', 'resolved', 4, '2026-01-26T16:00:00.000000Z', '{"finding":{"fingerprint":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''json'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"json","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py', 'resolved', 4, '2026-01-26T16:00:00.000000Z', '{"finding":{"fingerprint":"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''os'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"os","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('phase:nba:phase4:2026-01-25', 'pending', NULL, NULL, '{"finding":{"fingerprint":"phase:nba:phase4:2026-01-25","check":"completions","kind":"phase.blocked","severity":"critical","subject":{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase4 of 25 January 2026 is blocked","since":"2026-01-26T16:00:00Z","last_seen":"2026-01-26T16:00:00Z","occurrences":1,"facts":{"state":"blocked","missing":"player_game_summary","checked at":"2026-01-26T16:00:00+00:00"},"holds_up":[],"pending_for":"PT30M","consequence":true,"quiet":false},"state":"pending","opened_at":"2026-01-26T16:00:00Z","count":1,"fired_at":null,"resolved_at":null,"resolution":null,"incident":null,"news_at":"2026-01-26T16:00:00Z","reopened":[]}');


--
-- Data for Name: incidents; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.incidents VALUES (1, 'open', '2026-01-26T11:00:00.000000Z', NULL, '2026-01-26T11:00:00.000000Z', '{"id":1,"state":"open","root":"log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py","members":["log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T11:00:00Z","explains":{},"resolved_at":null,"merged_into":null}');
INSERT INTO public.incidents VALUES (2, 'resolved', '2026-01-26T12:00:00.000000Z', '2026-01-26T13:00:00.000000Z', '2026-01-26T12:00:00.000000Z', '{"id":2,"state":"resolved","root":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","members":["log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T12:00:00Z","explains":{},"resolved_at":"2026-01-26T13:00:00Z","merged_into":null}');
INSERT INTO public.incidents VALUES (3, 'open', '2026-01-26T14:00:00.000000Z', NULL, '2026-01-26T14:00:00.000000Z', '{"id":3,"state":"open","root":"phase:nba:phase3:2026-01-25","members":["phase:nba:phase3:2026-01-25"],"opened_at":"2026-01-26T14:00:00Z","explains":{},"resolved_at":null,"merged_into":null}');
INSERT INTO public.incidents VALUES (4, 'resolved', '2026-01-26T15:00:00.000000Z', '2026-01-26T16:00:00.000000Z', '2026-01-26T15:00:00.000000Z', '{"id":4,"state":"resolved","root":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","members":["log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T15:00:00Z","explains":{"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py":"another failure of loader"},"resolved_at":"2026-01-26T16:00:00Z","merged_into":null,"storm":null}');


--
-- Data for Name: meta; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.meta VALUES ('identity', '249d54b07ed0');
INSERT INTO public.meta VALUES ('schema_version', '2');


--
-- Data for Name: notifications; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.notifications VALUES (1, 1, '2026-01-26T11:00:00.000000Z', 'new incident', false, '{"incident":1,"at":"2026-01-26T11:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","summary":"","facts":[["Since","Mon 26 Jan 06:00 EST (11:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair phase3-to-phase4-orchestrator and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 06:00 EST (11:00 UTC)"},"reply":null}');
INSERT INTO public.notifications VALUES (2, 2, '2026-01-26T12:00:00.000000Z', 'new incident', false, '{"incident":2,"at":"2026-01-26T12:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair scrapers and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 07:00 EST (12:00 UTC)"},"reply":null}');
INSERT INTO public.notifications VALUES (3, 2, '2026-01-26T13:00:00.000000Z', 'resolved', false, '{"incident":2,"at":"2026-01-26T13:00:00Z","why":"resolved","suppressed":false,"root":{"severity":"critical","state":"resolved","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record\nit ran cleanly"],["Lasted","1 h 0 min"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"},"reply":{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","ModuleNotFoundError: name ''requests'' is not defined in scrapers\nit ran cleanly"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}}');
INSERT INTO public.notifications VALUES (4, 3, '2026-01-26T14:00:00.000000Z', 'new incident', false, '{"incident":3,"at":"2026-01-26T14:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 09:00 EST (14:00 UTC)"],["Phase","still owed: player_game_summary\nchecked Mon 26 Jan 09:00 EST (14:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 09:00 EST (14:00 UTC)"},"reply":null}');
INSERT INTO public.notifications VALUES (5, 4, '2026-01-26T15:00:00.000000Z', 'new incident', false, '{"incident":4,"at":"2026-01-26T15:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Also","NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader"],["Next","repair loader and deploy it"]],"links":[],"footer":"incident #4 · Mon 26 Jan 15:00 UTC (15:00 UTC)","emphasis":null,"mention":""},"reply":null,"to":[]}');
INSERT INTO public.notifications VALUES (6, 4, '2026-01-26T16:00:00.000000Z', 'resolved', false, '{"incident":4,"at":"2026-01-26T16:00:00Z","why":"resolved","suppressed":false,"root":{"severity":"critical","state":"resolved","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Lasted","1 h 0 min"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record\nit \"ran\" cleanly\\n: naïve ☃"],["Also","(over) NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":null,"mention":""},"reply":{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","NameError: name ''json'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"],["Resolved","NameError: name ''os'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":"resolution","mention":""},"to":[]}');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox VALUES (7, '249d54b07ed0-3-bad-edit', 2, 'bad', 'edit', 2, '{"severity":"critical","state":"resolved","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record\nit ran cleanly"],["Lasted","1 h 0 min"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}', 'pending', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (1, '249d54b07ed0-1-slack-post', 1, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","summary":"","facts":[["Since","Mon 26 Jan 06:00 EST (11:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair phase3-to-phase4-orchestrator and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 06:00 EST (11:00 UTC)"}', 'sent', '2026-01-26T11:00:00.000000Z', '2026-01-26T11:00:00.000000Z', 1, NULL, 'v1', false, NULL, '2026-01-26T12:00:00.000000Z', '{"channel":"C0PIPELINE","ts":"2000000001.000100"}');
INSERT INTO public.outbox VALUES (8, '249d54b07ed0-3-bad-reply', 2, 'bad', 'reply', 2, '{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","ModuleNotFoundError: name ''requests'' is not defined in scrapers\nit ran cleanly"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}', 'pending', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (2, '249d54b07ed0-1-bad-post', 1, 'bad', 'post', 2, '{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","summary":"","facts":[["Since","Mon 26 Jan 06:00 EST (11:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair phase3-to-phase4-orchestrator and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 06:00 EST (11:00 UTC)"}', 'dead', '2026-01-26T11:00:00.000000Z', '2026-01-26T11:00:00.000000Z', 1, NULL, 'v1', false, 'Slack''s chat.postMessage in #x: invalid_auth', NULL, NULL);
INSERT INTO public.outbox VALUES (3, '249d54b07ed0-2-slack-post', 2, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair scrapers and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 07:00 EST (12:00 UTC)"}', 'sent', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 1, NULL, 'v1', false, NULL, '2026-01-26T12:00:00.000000Z', '{"channel":"C0PIPELINE","ts":"2000000002.000100"}');
INSERT INTO public.outbox VALUES (5, '249d54b07ed0-3-slack-edit', 2, 'slack', 'edit', 2, '{"severity":"critical","state":"resolved","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record\nit ran cleanly"],["Lasted","1 h 0 min"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}', 'sent', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 1, NULL, 'v1', false, NULL, '2026-01-26T13:00:00.000000Z', '{"channel":"C0PIPELINE","ts":"2000000003.000100"}');
INSERT INTO public.outbox VALUES (4, '249d54b07ed0-2-bad-post', 2, 'bad', 'post', 2, '{"severity":"critical","state":"open","title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","summary":"","facts":[["Since","Mon 26 Jan 07:00 EST (12:00 UTC)"],["What","where: orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair scrapers and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 07:00 EST (12:00 UTC)"}', 'dead', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 1, NULL, 'v1', false, 'Slack''s chat.postMessage in #x: invalid_auth', NULL, NULL);
INSERT INTO public.outbox VALUES (6, '249d54b07ed0-3-slack-reply', 2, 'slack', 'reply', 2, '{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","ModuleNotFoundError: name ''requests'' is not defined in scrapers\nit ran cleanly"]],"links":[],"footer":"incident #2 · Mon 26 Jan 08:00 EST (13:00 UTC)"}', 'sent', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 1, NULL, 'v1', false, NULL, '2026-01-26T13:00:00.000000Z', '{"channel":"C0PIPELINE","ts":"2000000004.000100"}');
INSERT INTO public.outbox VALUES (9, '249d54b07ed0-4-slack-post', 3, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 09:00 EST (14:00 UTC)"],["Phase","still owed: player_game_summary\nchecked Mon 26 Jan 09:00 EST (14:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 09:00 EST (14:00 UTC)"}', 'pending', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (10, '249d54b07ed0-4-bad-post', 3, 'bad', 'post', 2, '{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 09:00 EST (14:00 UTC)"],["Phase","still owed: player_game_summary\nchecked Mon 26 Jan 09:00 EST (14:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 09:00 EST (14:00 UTC)"}', 'pending', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (11, '249d54b07ed0-5-slack-post', 4, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Also","NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader"],["Next","repair loader and deploy it"]],"links":[],"footer":"incident #4 · Mon 26 Jan 15:00 UTC (15:00 UTC)","emphasis":null,"mention":""}', 'pending', '2026-01-26T15:00:00.000000Z', '2026-01-26T15:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (12, '249d54b07ed0-6-slack-edit', 4, 'slack', 'edit', 2, '{"severity":"critical","state":"resolved","title":"NameError: name ''json'' is not defined in loader","summary":"","facts":[["Since","Mon 26 Jan 15:00 UTC (15:00 UTC)"],["Lasted","1 h 0 min"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record\nit \"ran\" cleanly\\n: naïve ☃"],["Also","(over) NameError: name ''os'' is not defined in loader at orchestration/shared/utils/completion_tracker.py:243 in record: another failure of loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":null,"mention":""}', 'pending', '2026-01-26T16:00:00.000000Z', '2026-01-26T16:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (13, '249d54b07ed0-6-slack-reply', 4, 'slack', 'reply', 2, '{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","NameError: name ''json'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"],["Resolved","NameError: name ''os'' is not defined in loader\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #4 · Mon 26 Jan 16:00 UTC (16:00 UTC)","emphasis":"resolution","mention":""}', 'pending', '2026-01-26T16:00:00.000000Z', '2026-01-26T16:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);


--
-- Data for Name: silences; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: slots; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.slots VALUES ('completions', '2026-01-26T14:00:00.000000Z', 'v1');


--
-- Data for Name: talks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.talks VALUES (4, false, '{"incident":4,"told_at":"2026-01-26T16:00:00Z","severity":"critical","reminders":0,"idle":0,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":"2026-01-26T16:00:00Z"}');


--
-- Data for Name: transitions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.transitions VALUES (1, '2026-01-26T11:00:00.000000Z', 'log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py', 'opened', 'seen for the first time', 1, '{"finding":{"fingerprint":"log:phase3-to-phase4-orchestrator:NameError:firestore:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"phase3-to-phase4-orchestrator","table":null,"check":null},"title":"NameError: name ''firestore'' is not defined in phase3-to-phase4-orchestrator","since":"2026-01-26T11:00:00Z","last_seen":"2026-01-26T11:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"firestore","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T11:00:00Z","count":1,"fired_at":"2026-01-26T11:00:00Z","resolved_at":null,"resolution":null,"incident":1}');
INSERT INTO public.transitions VALUES (2, '2026-01-26T12:00:00.000000Z', 'log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py', 'opened', 'seen for the first time', 2, '{"finding":{"fingerprint":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"scrapers","table":null,"check":null},"title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"ModuleNotFoundError","name":"requests","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":null,"resolution":null,"incident":2}');
INSERT INTO public.transitions VALUES (3, '2026-01-26T13:00:00.000000Z', 'log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py', 'resolved', 'it ran cleanly', 2, '{"finding":{"fingerprint":"log:scrapers:ModuleNotFoundError:requests:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"scrapers","table":null,"check":null},"title":"ModuleNotFoundError: name ''requests'' is not defined in scrapers","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"ModuleNotFoundError","name":"requests","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":"2026-01-26T13:00:00Z","resolution":"it ran cleanly","incident":2}');
INSERT INTO public.transitions VALUES (4, '2026-01-26T14:00:00.000000Z', 'phase:nba:phase3:2026-01-25', 'opened', 'seen for the first time', 3, '{"finding":{"fingerprint":"phase:nba:phase3:2026-01-25","check":"completions","kind":"phase.failed","severity":"critical","subject":{"pipeline":"nba","phase":"phase3","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase3 of 25 January 2026 is failed","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"state":"failed","missing":"player_game_summary","checked at":"2026-01-26T14:00:00+00:00"},"holds_up":[{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","due_at":"2026-01-26T16:00:00Z"}],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"incident":3}');
INSERT INTO public.transitions VALUES (5, '2026-01-26T15:00:00.000000Z', 'log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py', 'opened', 'seen for the first time', 4, '{"finding":{"fingerprint":"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''os'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"os","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":null,"resolution":null,"incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO public.transitions VALUES (6, '2026-01-26T15:00:00.000000Z', 'log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py', 'opened', 'seen for the first time', 4, '{"finding":{"fingerprint":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''json'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"json","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":null,"resolution":null,"incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO public.transitions VALUES (7, '2026-01-26T16:00:00.000000Z', 'log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py', 'resolved', 'it "ran" cleanly\n: naïve ☃', 4, '{"finding":{"fingerprint":"log:loader:NameError:json:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''json'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"json","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO public.transitions VALUES (8, '2026-01-26T16:00:00.000000Z', 'log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py', 'resolved', 'it "ran" cleanly\n: naïve ☃', 4, '{"finding":{"fingerprint":"log:loader:NameError:os:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"loader","table":null,"check":null},"title":"NameError: name ''os'' is not defined in loader","since":"2026-01-26T15:00:00Z","last_seen":"2026-01-26T15:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"os","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"PT0S","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T15:00:00Z","count":1,"fired_at":"2026-01-26T15:00:00Z","resolved_at":"2026-01-26T16:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","incident":4,"news_at":"2026-01-26T15:00:00Z","reopened":[]}');
INSERT INTO public.transitions VALUES (9, '2026-01-26T16:00:00.000000Z', 'phase:nba:phase4:2026-01-25', 'noticed', 'seen for the first time', NULL, '{"finding":{"fingerprint":"phase:nba:phase4:2026-01-25","check":"completions","kind":"phase.blocked","severity":"critical","subject":{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase4 of 25 January 2026 is blocked","since":"2026-01-26T16:00:00Z","last_seen":"2026-01-26T16:00:00Z","occurrences":1,"facts":{"state":"blocked","missing":"player_game_summary","checked at":"2026-01-26T16:00:00+00:00"},"holds_up":[],"pending_for":"PT30M","consequence":true,"quiet":false},"state":"pending","opened_at":"2026-01-26T16:00:00Z","count":1,"fired_at":null,"resolved_at":null,"resolution":null,"incident":null,"news_at":"2026-01-26T16:00:00Z","reopened":[]}');


--
-- Name: acknowledgements_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.acknowledgements_id_seq', 1, false);


--
-- Name: check_runs_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.check_runs_id_seq', 7, true);


--
-- Name: notifications_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.notifications_id_seq', 6, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 13, true);


--
-- Name: silences_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.silences_id_seq', 1, false);


--
-- Name: transitions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.transitions_id_seq', 9, true);


--
-- Name: acknowledgements acknowledgements_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_pkey PRIMARY KEY (id);


--
-- Name: check_runs check_runs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_runs
    ADD CONSTRAINT check_runs_pkey PRIMARY KEY (id);


--
-- Name: closures closures_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.closures
    ADD CONSTRAINT closures_pkey PRIMARY KEY (fingerprint);


--
-- Name: cursors cursors_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cursors
    ADD CONSTRAINT cursors_pkey PRIMARY KEY (check_name);


--
-- Name: faults faults_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.faults
    ADD CONSTRAINT faults_pkey PRIMARY KEY (fingerprint);


--
-- Name: incidents incidents_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (id);


--
-- Name: meta meta_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (key);


--
-- Name: notifications notifications_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);


--
-- Name: outbox outbox_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_key_key UNIQUE (key);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: silences silences_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.silences
    ADD CONSTRAINT silences_pkey PRIMARY KEY (id);


--
-- Name: slots slots_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.slots
    ADD CONSTRAINT slots_pkey PRIMARY KEY (check_name, slot);


--
-- Name: talks talks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.talks
    ADD CONSTRAINT talks_pkey PRIMARY KEY (incident);


--
-- Name: transitions transitions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transitions
    ADD CONSTRAINT transitions_pkey PRIMARY KEY (id);


--
-- Name: acknowledgements_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX acknowledgements_by_incident ON public.acknowledgements USING btree (incident, id);


--
-- Name: check_runs_latest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX check_runs_latest ON public.check_runs USING btree (check_name, finished_at);


--
-- Name: faults_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX faults_by_incident ON public.faults USING btree (incident);


--
-- Name: faults_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX faults_by_state ON public.faults USING btree (state, resolved_at);


--
-- Name: incidents_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX incidents_by_state ON public.incidents USING btree (state, resolved_at);


--
-- Name: notifications_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notifications_by_incident ON public.notifications USING btree (incident, id);


--
-- Name: notifications_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notifications_by_time ON public.notifications USING btree (at);


--
-- Name: outbox_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_due ON public.outbox USING btree (state, not_before);


--
-- Name: outbox_thread; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outbox_thread ON public.outbox USING btree (incident, destination, id);


--
-- Name: silences_by_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX silences_by_end ON public.silences USING btree (ends_at);


--
-- Name: talks_busy; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX talks_busy ON public.talks USING btree (busy);


--
-- Name: transitions_by_fault; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transitions_by_fault ON public.transitions USING btree (fingerprint, at);


--
-- Name: transitions_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transitions_by_incident ON public.transitions USING btree (incident, id);


--
-- Name: transitions_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX transitions_by_time ON public.transitions USING btree (at);


--
-- PostgreSQL database dump complete
--

