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
-- Name: history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.history (
    id integer NOT NULL,
    at character varying(27) NOT NULL,
    incident integer,
    transitions text NOT NULL
);


--
-- Name: history_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.history_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: history_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.history_id_seq OWNED BY public.history.id;


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
-- Name: acknowledgements id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.acknowledgements ALTER COLUMN id SET DEFAULT nextval('public.acknowledgements_id_seq'::regclass);


--
-- Name: check_runs id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.check_runs ALTER COLUMN id SET DEFAULT nextval('public.check_runs_id_seq'::regclass);


--
-- Name: history id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history ALTER COLUMN id SET DEFAULT nextval('public.history_id_seq'::regclass);


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
-- Data for Name: acknowledgements; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: check_runs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.check_runs VALUES (1, 'function_logs', '2026-01-26T11:00:00.000000Z', '2026-01-26T11:00:00.000000Z', 'FAILING', 1, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (2, 'function_logs', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 'FAILING', 2, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (3, 'function_logs', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 'OK', 0, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);
INSERT INTO public.check_runs VALUES (4, 'function_logs', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 'FAILING', 7, '{"window":null,"counts":{},"queries":0,"bytes_billed":null,"unseen":[],"notes":[]}', NULL);


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

INSERT INTO public.faults VALUES ('log:f-1:NameError:firestore:orchestration/shared/utils/completion_tracker.py', 'firing', 1, NULL, '{"finding":{"fingerprint":"log:f-1:NameError:firestore:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"f-1","table":null,"check":null},"title":"NameError: name ''firestore'' is not defined in f-1","since":"2026-01-26T11:00:00Z","last_seen":"2026-01-26T11:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"firestore","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T11:00:00Z","count":1,"fired_at":"2026-01-26T11:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T11:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('phase:nba:phase3:2026-01-25', 'firing', 3, NULL, '{"finding":{"fingerprint":"phase:nba:phase3:2026-01-25","check":"completions","kind":"phase.failed","severity":"critical","subject":{"pipeline":"nba","phase":"phase3","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase3 of 25 January 2026 is failed","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"state":"failed","missing":"player_game_summary","checked at":"2026-01-26T12:00:00+00:00"},"holds_up":[{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","due_at":"2026-01-26T16:00:00Z"}],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T12:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:f-2:NameError:rows:orchestration/shared/utils/completion_tracker.py', 'resolved', 2, '2026-01-26T13:00:00.000000Z', '{"finding":{"fingerprint":"log:f-2:NameError:rows:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"f-2","table":null,"check":null},"title":"NameError: name ''rows'' is not defined in f-2","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"rows","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":"2026-01-26T13:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","news_at":"2026-01-26T12:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-0:NameError:name_0:g0/main.py', 'firing', 4, NULL, '{"finding":{"fingerprint":"log:g-0:NameError:name_0:g0/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-0","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-0","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g0/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-1:NameError:name_1:g1/main.py', 'firing', 5, NULL, '{"finding":{"fingerprint":"log:g-1:NameError:name_1:g1/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-1","table":null,"check":null},"title":"NameError: name ''name_1'' is not defined in g-1","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_1","where":"g1/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-2:NameError:name_0:g2/main.py', 'firing', 4, NULL, '{"finding":{"fingerprint":"log:g-2:NameError:name_0:g2/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-2","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-2","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g2/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-3:NameError:name_1:g3/main.py', 'firing', 5, NULL, '{"finding":{"fingerprint":"log:g-3:NameError:name_1:g3/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-3","table":null,"check":null},"title":"NameError: name ''name_1'' is not defined in g-3","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_1","where":"g3/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-4:NameError:name_0:g4/main.py', 'firing', 4, NULL, '{"finding":{"fingerprint":"log:g-4:NameError:name_0:g4/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-4","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-4","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g4/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-5:NameError:name_1:g5/main.py', 'firing', 5, NULL, '{"finding":{"fingerprint":"log:g-5:NameError:name_1:g5/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-5","table":null,"check":null},"title":"NameError: name ''name_1'' is not defined in g-5","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_1","where":"g5/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');
INSERT INTO public.faults VALUES ('log:g-6:NameError:name_0:g6/main.py', 'firing', 4, NULL, '{"finding":{"fingerprint":"log:g-6:NameError:name_0:g6/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-6","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-6","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g6/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}');


--
-- Data for Name: history; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.history VALUES (1, '2026-01-26T11:00:00.000000Z', 1, '[{"at":"2026-01-26T11:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:f-1:NameError:firestore:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"f-1","table":null,"check":null},"title":"NameError: name ''firestore'' is not defined in f-1","since":"2026-01-26T11:00:00Z","last_seen":"2026-01-26T11:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"firestore","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T11:00:00Z","count":1,"fired_at":"2026-01-26T11:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T11:00:00Z","reopened":[]}}]');
INSERT INTO public.history VALUES (2, '2026-01-26T12:00:00.000000Z', 2, '[{"at":"2026-01-26T12:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:f-2:NameError:rows:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"f-2","table":null,"check":null},"title":"NameError: name ''rows'' is not defined in f-2","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"rows","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T12:00:00Z","reopened":[]}}]');
INSERT INTO public.history VALUES (3, '2026-01-26T12:00:00.000000Z', 3, '[{"at":"2026-01-26T12:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"phase:nba:phase3:2026-01-25","check":"completions","kind":"phase.failed","severity":"critical","subject":{"pipeline":"nba","phase":"phase3","run_date":"2026-01-25","service":null,"table":null,"check":null},"title":"phase3 of 25 January 2026 is failed","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"state":"failed","missing":"player_game_summary","checked at":"2026-01-26T12:00:00+00:00"},"holds_up":[{"pipeline":"nba","phase":"phase4","run_date":"2026-01-25","due_at":"2026-01-26T16:00:00Z"}],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T12:00:00Z","reopened":[]}}]');
INSERT INTO public.history VALUES (4, '2026-01-26T13:00:00.000000Z', 2, '[{"at":"2026-01-26T13:00:00Z","change":"resolved","reason":"it \"ran\" cleanly\\n: naïve ☃","fault":{"finding":{"fingerprint":"log:f-2:NameError:rows:orchestration/shared/utils/completion_tracker.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"f-2","table":null,"check":null},"title":"NameError: name ''rows'' is not defined in f-2","since":"2026-01-26T12:00:00Z","last_seen":"2026-01-26T12:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"rows","where":"orchestration/shared/utils/completion_tracker.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"resolved","opened_at":"2026-01-26T12:00:00Z","count":1,"fired_at":"2026-01-26T12:00:00Z","resolved_at":"2026-01-26T13:00:00Z","resolution":"it \"ran\" cleanly\\n: naïve ☃","news_at":"2026-01-26T12:00:00Z","reopened":[]}}]');
INSERT INTO public.history VALUES (5, '2026-01-26T14:00:00.000000Z', 4, '[{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-0:NameError:name_0:g0/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-0","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-0","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g0/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}},{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-2:NameError:name_0:g2/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-2","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-2","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g2/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}},{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-4:NameError:name_0:g4/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-4","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-4","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g4/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}},{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-6:NameError:name_0:g6/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-6","table":null,"check":null},"title":"NameError: name ''name_0'' is not defined in g-6","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_0","where":"g6/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}}]');
INSERT INTO public.history VALUES (6, '2026-01-26T14:00:00.000000Z', 5, '[{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-1:NameError:name_1:g1/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-1","table":null,"check":null},"title":"NameError: name ''name_1'' is not defined in g-1","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_1","where":"g1/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}},{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-3:NameError:name_1:g3/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-3","table":null,"check":null},"title":"NameError: name ''name_1'' is not defined in g-3","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_1","where":"g3/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}},{"at":"2026-01-26T14:00:00Z","change":"opened","reason":"seen for the first time","fault":{"finding":{"fingerprint":"log:g-5:NameError:name_1:g5/main.py","check":"function_logs","kind":"log.undefined-name","severity":"critical","subject":{"pipeline":null,"phase":null,"run_date":null,"service":"g-5","table":null,"check":null},"title":"NameError: name ''name_1'' is not defined in g-5","since":"2026-01-26T14:00:00Z","last_seen":"2026-01-26T14:00:00Z","occurrences":1,"facts":{"exception":"NameError","name":"name_1","where":"g5/main.py:243 in record"},"holds_up":[],"pending_for":"P0D","consequence":false,"quiet":false},"state":"firing","opened_at":"2026-01-26T14:00:00Z","count":1,"fired_at":"2026-01-26T14:00:00Z","resolved_at":null,"resolution":null,"news_at":"2026-01-26T14:00:00Z","reopened":[]}}]');


--
-- Data for Name: incidents; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.incidents VALUES (1, 'open', '2026-01-26T11:00:00.000000Z', NULL, '2026-01-26T11:00:00.000000Z', '{"id":1,"state":"open","root":"log:f-1:NameError:firestore:orchestration/shared/utils/completion_tracker.py","members":["log:f-1:NameError:firestore:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T11:00:00Z","explains":{},"resolved_at":null,"merged_into":null,"storm":null}');
INSERT INTO public.incidents VALUES (3, 'open', '2026-01-26T12:00:00.000000Z', NULL, '2026-01-26T12:00:00.000000Z', '{"id":3,"state":"open","root":"phase:nba:phase3:2026-01-25","members":["phase:nba:phase3:2026-01-25"],"opened_at":"2026-01-26T12:00:00Z","explains":{},"resolved_at":null,"merged_into":null,"storm":null}');
INSERT INTO public.incidents VALUES (2, 'resolved', '2026-01-26T12:00:00.000000Z', '2026-01-26T13:00:00.000000Z', '2026-01-26T12:00:00.000000Z', '{"id":2,"state":"resolved","root":"log:f-2:NameError:rows:orchestration/shared/utils/completion_tracker.py","members":["log:f-2:NameError:rows:orchestration/shared/utils/completion_tracker.py"],"opened_at":"2026-01-26T12:00:00Z","explains":{},"resolved_at":"2026-01-26T13:00:00Z","merged_into":null,"storm":null}');
INSERT INTO public.incidents VALUES (4, 'open', '2026-01-26T14:00:00.000000Z', NULL, '2026-01-26T14:00:00.000000Z', '{"id":4,"state":"open","root":"log:g-0:NameError:name_0:g0/main.py","members":["log:g-0:NameError:name_0:g0/main.py","log:g-2:NameError:name_0:g2/main.py","log:g-4:NameError:name_0:g4/main.py","log:g-6:NameError:name_0:g6/main.py"],"opened_at":"2026-01-26T14:00:00Z","explains":{},"resolved_at":null,"merged_into":null,"storm":"NameError name_0"}');
INSERT INTO public.incidents VALUES (5, 'open', '2026-01-26T14:00:00.000000Z', NULL, '2026-01-26T14:00:00.000000Z', '{"id":5,"state":"open","root":"log:g-1:NameError:name_1:g1/main.py","members":["log:g-1:NameError:name_1:g1/main.py","log:g-3:NameError:name_1:g3/main.py","log:g-5:NameError:name_1:g5/main.py"],"opened_at":"2026-01-26T14:00:00Z","explains":{},"resolved_at":null,"merged_into":null,"storm":"NameError name_1"}');


--
-- Data for Name: meta; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.meta VALUES ('schema_version', '3');
INSERT INTO public.meta VALUES ('identity', '4017201e01b4');


--
-- Data for Name: notifications; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.notifications VALUES (1, 1, '2026-01-26T11:00:00.000000Z', 'new incident', false, '{"incident":1,"at":"2026-01-26T11:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in f-1","summary":"","facts":[["Since","Mon 26 Jan 11:00 UTC (11:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-1 and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 11:00 UTC (11:00 UTC)","emphasis":null,"mention":"","over":false},"reply":null,"to":[]}');
INSERT INTO public.notifications VALUES (2, 1, '2026-01-26T12:00:00.000000Z', 'still wrong, and nobody acknowledged it', false, '{"incident":1,"at":"2026-01-26T12:00:00Z","why":"still wrong, and nobody acknowledged it","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in f-1","summary":"","facts":[["Since","Mon 26 Jan 11:00 UTC (11:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-1 and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":null,"mention":"","over":false},"reply":{"severity":"critical","state":"open","title":"Still wrong after 1 h 0 min: NameError: name ''firestore'' is not defined in f-1","summary":"Nobody has acknowledged it.","facts":[["Next","if you have it in hand: `phasewatch ack 1`"]],"links":[],"footer":"incident #1 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":"escalation","mention":"","over":false},"to":[]}');
INSERT INTO public.notifications VALUES (3, 2, '2026-01-26T12:00:00.000000Z', 'new incident', false, '{"incident":2,"at":"2026-01-26T12:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''rows'' is not defined in f-2","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-2 and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":null,"mention":"","over":false},"reply":null,"to":[]}');
INSERT INTO public.notifications VALUES (4, 3, '2026-01-26T12:00:00.000000Z', 'new incident', false, '{"incident":3,"at":"2026-01-26T12:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 16:00 UTC (16:00 UTC)"],["Still owed","phase3 of 25 January 2026: player_game_summary"],["Evidence","checked Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":null,"mention":"","over":false},"reply":null,"to":[]}');
INSERT INTO public.notifications VALUES (5, 2, '2026-01-26T13:00:00.000000Z', 'resolved', false, '{"incident":2,"at":"2026-01-26T13:00:00Z","why":"resolved","suppressed":false,"root":{"severity":"critical","state":"resolved","title":"NameError: name ''rows'' is not defined in f-2","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Lasted","1 h 0 min"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #2 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":null,"mention":"","over":false},"reply":{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","NameError: name ''rows'' is not defined in f-2\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #2 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":"resolution","mention":"","over":false},"to":[]}');
INSERT INTO public.notifications VALUES (6, 3, '2026-01-26T13:00:00.000000Z', 'still wrong, and nobody acknowledged it', false, '{"incident":3,"at":"2026-01-26T13:00:00Z","why":"still wrong, and nobody acknowledged it","suppressed":false,"root":{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 16:00 UTC (16:00 UTC)"],["Still owed","phase3 of 25 January 2026: player_game_summary"],["Evidence","checked Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":null,"mention":"","over":false},"reply":{"severity":"critical","state":"open","title":"Still wrong after 1 h 0 min: phase3 of 25 January 2026 is failed","summary":"Nobody has acknowledged it.","facts":[["Still owed","phase3 of 25 January 2026: player_game_summary"],["Next","if you have it in hand: `phasewatch ack 3`"]],"links":[],"footer":"incident #3 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":"escalation","mention":"","over":false},"to":[]}');
INSERT INTO public.notifications VALUES (7, 1, '2026-01-26T14:00:00.000000Z', 'still wrong, and nobody acknowledged it', false, '{"incident":1,"at":"2026-01-26T14:00:00Z","why":"still wrong, and nobody acknowledged it","suppressed":false,"root":{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in f-1","summary":"","facts":[["Since","Mon 26 Jan 11:00 UTC (11:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-1 and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":null,"mention":"","over":false},"reply":{"severity":"critical","state":"open","title":"Still wrong after 3 h 0 min: NameError: name ''firestore'' is not defined in f-1","summary":"Nobody has acknowledged it.","facts":[["Next","if you have it in hand: `phasewatch ack 1`"]],"links":[],"footer":"incident #1 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":"escalation","mention":"","over":false},"to":[]}');
INSERT INTO public.notifications VALUES (8, 4, '2026-01-26T14:00:00.000000Z', 'new incident', false, '{"incident":4,"at":"2026-01-26T14:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"4 faults at once in 4 functions: NameError name_0","summary":"Too much came at once for a message each: this one counts, and is kept up to date.","facts":[["Since","Mon 26 Jan 14:00 UTC (14:00 UTC)"],["Open","4 of 4: 4 critical"],["Gravest","critical: NameError: name ''name_0'' is not defined in g-0\ncritical: NameError: name ''name_0'' is not defined in g-2\ncritical: NameError: name ''name_0'' is not defined in g-4\ncritical: NameError: name ''name_0'' is not defined in g-6"],["Next","look for what they have in common; all of them: `phasewatch incidents 4`"]],"links":[],"footer":"incident #4 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":null,"mention":"","over":false},"reply":null,"to":[]}');
INSERT INTO public.notifications VALUES (9, 5, '2026-01-26T14:00:00.000000Z', 'new incident', false, '{"incident":5,"at":"2026-01-26T14:00:00Z","why":"new incident","suppressed":false,"root":{"severity":"critical","state":"open","title":"3 faults at once in 3 functions: NameError name_1","summary":"Too much came at once for a message each: this one counts, and is kept up to date.","facts":[["Since","Mon 26 Jan 14:00 UTC (14:00 UTC)"],["Open","3 of 3: 3 critical"],["Gravest","critical: NameError: name ''name_1'' is not defined in g-1\ncritical: NameError: name ''name_1'' is not defined in g-3\ncritical: NameError: name ''name_1'' is not defined in g-5"],["Next","look for what they have in common; all of them: `phasewatch incidents 5`"]],"links":[],"footer":"incident #5 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":null,"mention":"","over":false},"reply":null,"to":[]}');


--
-- Data for Name: outbox; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.outbox VALUES (1, '4017201e01b4-1-slack-post', 1, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in f-1","summary":"","facts":[["Since","Mon 26 Jan 11:00 UTC (11:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-1 and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 11:00 UTC (11:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T11:00:00.000000Z', '2026-01-26T11:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (3, '4017201e01b4-2-slack-reply', 1, 'slack', 'reply', 2, '{"severity":"critical","state":"open","title":"Still wrong after 1 h 0 min: NameError: name ''firestore'' is not defined in f-1","summary":"Nobody has acknowledged it.","facts":[["Next","if you have it in hand: `phasewatch ack 1`"]],"links":[],"footer":"incident #1 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":"escalation","mention":"","over":false}', 'pending', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (4, '4017201e01b4-3-slack-post', 2, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"NameError: name ''rows'' is not defined in f-2","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-2 and deploy it"]],"links":[],"footer":"incident #2 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (5, '4017201e01b4-4-slack-post', 3, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 16:00 UTC (16:00 UTC)"],["Still owed","phase3 of 25 January 2026: player_game_summary"],["Evidence","checked Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (6, '4017201e01b4-5-slack-edit', 2, 'slack', 'edit', 2, '{"severity":"critical","state":"resolved","title":"NameError: name ''rows'' is not defined in f-2","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Lasted","1 h 0 min"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #2 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (7, '4017201e01b4-5-slack-reply', 2, 'slack', 'reply', 2, '{"severity":"critical","state":"resolved","title":"after 1 h 0 min","summary":"","facts":[["Resolved","NameError: name ''rows'' is not defined in f-2\nit \"ran\" cleanly\\n: naïve ☃"]],"links":[],"footer":"incident #2 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":"resolution","mention":"","over":false}', 'pending', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (8, '4017201e01b4-6-slack-edit', 3, 'slack', 'edit', 2, '{"severity":"critical","state":"open","title":"phase3 of 25 January 2026 is failed","summary":"","facts":[["Since","Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Holds up","phase4 of 25 January 2026, due Mon 26 Jan 16:00 UTC (16:00 UTC)"],["Still owed","phase3 of 25 January 2026: player_game_summary"],["Evidence","checked Mon 26 Jan 12:00 UTC (12:00 UTC)"],["Next","phasewatch report --date 2026-01-25"]],"links":[],"footer":"incident #3 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (9, '4017201e01b4-6-slack-reply', 3, 'slack', 'reply', 2, '{"severity":"critical","state":"open","title":"Still wrong after 1 h 0 min: phase3 of 25 January 2026 is failed","summary":"Nobody has acknowledged it.","facts":[["Still owed","phase3 of 25 January 2026: player_game_summary"],["Next","if you have it in hand: `phasewatch ack 3`"]],"links":[],"footer":"incident #3 · Mon 26 Jan 13:00 UTC (13:00 UTC)","emphasis":"escalation","mention":"","over":false}', 'pending', '2026-01-26T13:00:00.000000Z', '2026-01-26T13:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (2, '4017201e01b4-2-slack-edit', 1, 'slack', 'edit', 2, '{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in f-1","summary":"","facts":[["Since","Mon 26 Jan 11:00 UTC (11:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-1 and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 12:00 UTC (12:00 UTC)","emphasis":null,"mention":"","over":false}', 'superseded', '2026-01-26T12:00:00.000000Z', '2026-01-26T12:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (10, '4017201e01b4-7-slack-edit', 1, 'slack', 'edit', 2, '{"severity":"critical","state":"open","title":"NameError: name ''firestore'' is not defined in f-1","summary":"","facts":[["Since","Mon 26 Jan 11:00 UTC (11:00 UTC)"],["Why","orchestration/shared/utils/completion_tracker.py:243 in record"],["Next","repair f-1 and deploy it"]],"links":[],"footer":"incident #1 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (11, '4017201e01b4-7-slack-reply', 1, 'slack', 'reply', 2, '{"severity":"critical","state":"open","title":"Still wrong after 3 h 0 min: NameError: name ''firestore'' is not defined in f-1","summary":"Nobody has acknowledged it.","facts":[["Next","if you have it in hand: `phasewatch ack 1`"]],"links":[],"footer":"incident #1 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":"escalation","mention":"","over":false}', 'pending', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (12, '4017201e01b4-8-slack-post', 4, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"4 faults at once in 4 functions: NameError name_0","summary":"Too much came at once for a message each: this one counts, and is kept up to date.","facts":[["Since","Mon 26 Jan 14:00 UTC (14:00 UTC)"],["Open","4 of 4: 4 critical"],["Gravest","critical: NameError: name ''name_0'' is not defined in g-0\ncritical: NameError: name ''name_0'' is not defined in g-2\ncritical: NameError: name ''name_0'' is not defined in g-4\ncritical: NameError: name ''name_0'' is not defined in g-6"],["Next","look for what they have in common; all of them: `phasewatch incidents 4`"]],"links":[],"footer":"incident #4 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);
INSERT INTO public.outbox VALUES (13, '4017201e01b4-9-slack-post', 5, 'slack', 'post', 2, '{"severity":"critical","state":"open","title":"3 faults at once in 3 functions: NameError name_1","summary":"Too much came at once for a message each: this one counts, and is kept up to date.","facts":[["Since","Mon 26 Jan 14:00 UTC (14:00 UTC)"],["Open","3 of 3: 3 critical"],["Gravest","critical: NameError: name ''name_1'' is not defined in g-1\ncritical: NameError: name ''name_1'' is not defined in g-3\ncritical: NameError: name ''name_1'' is not defined in g-5"],["Next","look for what they have in common; all of them: `phasewatch incidents 5`"]],"links":[],"footer":"incident #5 · Mon 26 Jan 14:00 UTC (14:00 UTC)","emphasis":null,"mention":"","over":false}', 'pending', '2026-01-26T14:00:00.000000Z', '2026-01-26T14:00:00.000000Z', 0, NULL, NULL, false, NULL, NULL, NULL);


--
-- Data for Name: silences; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: slots; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: talks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.talks VALUES (2, false, '{"incident":2,"told_at":"2026-01-26T13:00:00Z","severity":"critical","reminders":0,"idle":0,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":"2026-01-26T13:00:00Z"}');
INSERT INTO public.talks VALUES (3, false, '{"incident":3,"told_at":"2026-01-26T13:00:00Z","severity":"critical","reminders":1,"idle":1,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":null}');
INSERT INTO public.talks VALUES (1, false, '{"incident":1,"told_at":"2026-01-26T14:00:00Z","severity":"critical","reminders":2,"idle":2,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":null}');
INSERT INTO public.talks VALUES (4, false, '{"incident":4,"told_at":"2026-01-26T14:00:00Z","severity":"critical","reminders":0,"idle":0,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":null}');
INSERT INTO public.talks VALUES (5, false, '{"incident":5,"told_at":"2026-01-26T14:00:00Z","severity":"critical","reminders":0,"idle":0,"escalated":0,"held":null,"held_since":null,"damped":false,"shown":"","told_in":null,"ended_at":null}');


--
-- Name: acknowledgements_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.acknowledgements_id_seq', 1, false);


--
-- Name: check_runs_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.check_runs_id_seq', 4, true);


--
-- Name: history_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.history_id_seq', 6, true);


--
-- Name: notifications_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.notifications_id_seq', 9, true);


--
-- Name: outbox_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.outbox_id_seq', 13, true);


--
-- Name: silences_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.silences_id_seq', 1, false);


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
-- Name: history history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);


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
-- Name: acknowledgements_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX acknowledgements_by_incident ON public.acknowledgements USING btree (incident, id);


--
-- Name: check_runs_latest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX check_runs_latest ON public.check_runs USING btree (check_name, finished_at);


--
-- Name: faults_by_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX faults_by_end ON public.faults USING btree (resolved_at);


--
-- Name: faults_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX faults_by_incident ON public.faults USING btree (incident);


--
-- Name: history_by_incident; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_by_incident ON public.history USING btree (incident, id);


--
-- Name: history_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX history_by_time ON public.history USING btree (at);


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
-- PostgreSQL database dump complete
--

