--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

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
-- Name: campaigns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.campaigns (
    name character varying(64) NOT NULL,
    state character varying(16) NOT NULL,
    spec json NOT NULL,
    seed bigint NOT NULL,
    reference json NOT NULL,
    versions json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    lease_holder text,
    lease_until timestamp with time zone,
    lease_token integer DEFAULT 0 NOT NULL,
    request character varying(16),
    request_now boolean DEFAULT false NOT NULL,
    extra_trials integer DEFAULT 0 NOT NULL,
    CONSTRAINT campaigns_state_check CHECK (((state)::text = ANY ((ARRAY['created'::character varying, 'running'::character varying, 'paused'::character varying, 'finished'::character varying, 'cancelled'::character varying, 'failed'::character varying])::text[])))
);


--
-- Name: designs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.designs (
    campaign character varying(64) NOT NULL,
    trial integer NOT NULL,
    index integer NOT NULL,
    config json NOT NULL,
    measures json NOT NULL,
    details json NOT NULL,
    feasible boolean NOT NULL,
    test_measures json
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    campaign character varying(64) NOT NULL,
    trial integer,
    kind character varying(32) NOT NULL,
    detail json NOT NULL
);


--
-- Name: events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;


--
-- Name: spikefront_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.spikefront_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: trials; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trials (
    campaign character varying(64) NOT NULL,
    number integer NOT NULL,
    state character varying(16) NOT NULL,
    config json NOT NULL,
    seed bigint NOT NULL,
    attempts integer NOT NULL,
    reason text NOT NULL,
    traceback text NOT NULL,
    metrics json NOT NULL,
    constraints json NOT NULL,
    spikes_per_layer json NOT NULL,
    timings json NOT NULL,
    versions json NOT NULL,
    proposal json NOT NULL,
    artifact character varying(64),
    queued_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT trials_state_check CHECK (((state)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying, 'complete'::character varying, 'silent'::character varying, 'pruned'::character varying, 'failed'::character varying, 'cancelled'::character varying])::text[])))
);


--
-- Name: events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);


--
-- Data for Name: campaigns; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.campaigns (name, state, spec, seed, reference, versions, created_at, updated_at, lease_holder, lease_until, lease_token, request, request_now, extra_trials) FROM stdin;
whole	paused	{"name": "whole", "seed": 3, "data": {"set": "digits", "validation_fraction": 0.2}, "space": {"beta": {"type": "float", "low": 0.4, "high": 0.98, "log": false}, "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": true}, "reset": {"type": "categorical", "choices": ["subtract", "zero"]}}, "fixed": {}, "designs": {}, "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}}, "constraints": {}, "silence": {"alpha": 1, "beta_silent": 0.1, "update_interval": 256, "warmup_epochs": 1, "monitored_layers": [-1], "quiet_steps": 20, "gradient_floor": 1e-05, "exploding_rate": 0.95, "audit_share": 0.05}, "budget": {"trials": 3, "initial": 3}, "workers": {"count": 2, "threads": 1}, "search": "random", "energy_model": "asic_45nm"}	3	{"accuracy": 0.1, "latency_us": 100.0}	{}	2026-11-21 07:51:15.833797+00	2026-11-21 07:51:15.944108+00	vm:32447:c742e734	\N	1	\N	f	2
toy	running	{"name": "toy", "seed": 3, "data": {"set": "digits", "validation_fraction": 0.2}, "space": {"beta": {"type": "float", "low": 0.4, "high": 0.98, "log": false}, "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": true}, "reset": {"type": "categorical", "choices": ["subtract", "zero"]}}, "fixed": {}, "designs": {}, "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}}, "constraints": {}, "silence": {"alpha": 1, "beta_silent": 0.1, "update_interval": 256, "warmup_epochs": 1, "monitored_layers": [-1], "quiet_steps": 20, "gradient_floor": 1e-05, "exploding_rate": 0.95, "audit_share": 0.05}, "budget": {"trials": 8, "initial": 6}, "workers": {"count": 2, "threads": 1}, "search": "bayesian", "energy_model": "asic_45nm"}	3	{"accuracy": 0.1, "latency_us": 100.0}	{}	2026-11-21 07:51:15.305089+00	2026-11-21 07:51:15.80207+00	elsewhere:1:x	2026-11-21 07:51:14.807496+00	2	\N	f	0
\.


--
-- Data for Name: designs; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.designs (campaign, trial, index, config, measures, details, feasible, test_measures) FROM stdin;
toy	2	0	{"lanes": [1, 1]}	{"accuracy": 0.8267645830145007, "latency_us": 55.223400997929275, "silent_fraction": 0.0}	{}	t	\N
toy	4	0	{"lanes": [1, 1]}	{"accuracy": 0.6628727850029232, "latency_us": 43.317464767955244, "silent_fraction": 0.0}	{}	t	\N
toy	5	0	{"lanes": [1, 1]}	{"accuracy": 0.7186307186469192, "latency_us": 56.35964644886553, "silent_fraction": 0.0}	{}	t	\N
toy	1	0	{"lanes": [1, 1]}	{"accuracy": 0.6672081672286985, "latency_us": 45.94097277615219, "silent_fraction": 0.0}	{}	t	{"accuracy": 0.5}
whole	0	0	{"lanes": [1, 1]}	{"accuracy": 0.7640090995427891, "latency_us": 51.00727201091657, "silent_fraction": 0.0}	{}	t	\N
whole	1	0	{"lanes": [1, 1]}	{"accuracy": 0.6899658640160679, "latency_us": 51.56843661529048, "silent_fraction": 0.0}	{}	t	\N
whole	2	0	{"lanes": [1, 1]}	{"accuracy": 0.7837691914478118, "latency_us": 54.10437402545199, "silent_fraction": 0.0}	{}	t	\N
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.events (id, at, campaign, trial, kind, detail) FROM stdin;
1	2026-11-21 07:51:15.308446+00	toy	\N	campaign_created	{}
2	2026-11-21 07:51:15.32006+00	toy	\N	lease_taken	{"holder": "vm:32447:3e4a82de", "token": 1}
3	2026-11-21 07:51:15.324741+00	toy	\N	campaign_state	{"from": "created", "to": "running"}
4	2026-11-21 07:51:15.388874+00	toy	0	trial_queued	{}
5	2026-11-21 07:51:15.397419+00	toy	0	trial_started	{"attempts": 0}
6	2026-11-21 07:51:15.401502+00	toy	0	trial_finished	{"state": "failed", "reason": "RuntimeError: a low beta breaks the toy", "designs": 0}
7	2026-11-21 07:51:15.453645+00	toy	1	trial_queued	{}
8	2026-11-21 07:51:15.460265+00	toy	1	trial_started	{"attempts": 0}
9	2026-11-21 07:51:15.463887+00	toy	1	trial_finished	{"state": "complete", "reason": "", "designs": 1}
10	2026-11-21 07:51:15.540004+00	toy	2	trial_queued	{}
11	2026-11-21 07:51:15.542295+00	toy	2	trial_started	{"attempts": 0}
12	2026-11-21 07:51:15.545154+00	toy	2	trial_finished	{"state": "complete", "reason": "", "designs": 1}
13	2026-11-21 07:51:15.605872+00	toy	3	trial_queued	{}
14	2026-11-21 07:51:15.610668+00	toy	3	trial_started	{"attempts": 0}
15	2026-11-21 07:51:15.618314+00	toy	3	trial_finished	{"state": "silent", "reason": "too few spikes", "designs": 0}
16	2026-11-21 07:51:15.667727+00	toy	4	trial_queued	{}
17	2026-11-21 07:51:15.676277+00	toy	4	trial_started	{"attempts": 0}
18	2026-11-21 07:51:15.680566+00	toy	4	trial_finished	{"state": "complete", "reason": "", "designs": 1}
19	2026-11-21 07:51:15.739514+00	toy	5	trial_queued	{}
20	2026-11-21 07:51:15.744931+00	toy	5	trial_started	{"attempts": 0}
21	2026-11-21 07:51:15.748597+00	toy	5	trial_finished	{"state": "complete", "reason": "", "designs": 1}
22	2026-11-21 07:51:15.779044+00	toy	\N	campaign_state	{"from": "running", "to": "paused"}
23	2026-11-21 07:51:15.781886+00	toy	\N	lease_dropped	{"holder": "vm:32447:3e4a82de", "token": 1}
24	2026-11-21 07:51:15.786143+00	toy	1	design_tested	{"design": "1-0", "accuracy": 0.5}
25	2026-11-21 07:51:15.800724+00	toy	6	trial_queued	{}
26	2026-11-21 07:51:15.802022+00	toy	\N	campaign_state	{"from": "paused", "to": "running"}
27	2026-11-21 07:51:15.804183+00	toy	6	trial_started	{"attempts": 0}
28	2026-11-21 07:51:15.807503+00	toy	\N	lease_taken	{"holder": "elsewhere:1:x", "token": 2}
29	2026-11-21 07:51:15.835327+00	whole	\N	campaign_created	{}
30	2026-11-21 07:51:15.839272+00	whole	\N	lease_taken	{"holder": "vm:32447:c742e734", "token": 1}
31	2026-11-21 07:51:15.844666+00	whole	\N	campaign_state	{"from": "created", "to": "running"}
32	2026-11-21 07:51:15.86847+00	whole	0	trial_queued	{}
33	2026-11-21 07:51:15.871109+00	whole	0	trial_started	{"attempts": 0}
34	2026-11-21 07:51:15.874018+00	whole	0	trial_finished	{"state": "complete", "reason": "", "designs": 1}
35	2026-11-21 07:51:15.894163+00	whole	1	trial_queued	{}
36	2026-11-21 07:51:15.897258+00	whole	1	trial_started	{"attempts": 0}
37	2026-11-21 07:51:15.900217+00	whole	1	trial_finished	{"state": "complete", "reason": "", "designs": 1}
38	2026-11-21 07:51:15.920036+00	whole	2	trial_queued	{}
39	2026-11-21 07:51:15.922228+00	whole	2	trial_started	{"attempts": 0}
40	2026-11-21 07:51:15.925187+00	whole	2	trial_finished	{"state": "complete", "reason": "", "designs": 1}
41	2026-11-21 07:51:15.937182+00	whole	\N	campaign_state	{"from": "running", "to": "finished"}
42	2026-11-21 07:51:15.939806+00	whole	\N	lease_dropped	{"holder": "vm:32447:c742e734", "token": 1}
43	2026-11-21 07:51:15.944048+00	whole	\N	campaign_extended	{"trials": 2, "extra": 2}
44	2026-11-21 07:51:15.944092+00	whole	\N	campaign_state	{"from": "finished", "to": "paused"}
\.


--
-- Data for Name: spikefront_version; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.spikefront_version (version_num) FROM stdin;
2
\.


--
-- Data for Name: trials; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.trials (campaign, number, state, config, seed, attempts, reason, traceback, metrics, constraints, spikes_per_layer, timings, versions, proposal, artifact, queued_at, started_at, finished_at) FROM stdin;
toy	0	failed	{"beta": 0.4397097745537758, "threshold": 0.5030929440170953, "reset": "zero"}	3000010	0	RuntimeError: a low beta breaks the toy	Traceback (most recent call last):\n  File "/home/user/spikefront/workers/pool.py", line 71, in guarded\n    return evaluate(request)\n           ^^^^^^^^^^^^^^^^^\n  File "/home/user/spikefront/tests/hpo/toy.py", line 43, in evaluate\n    raise RuntimeError("a low beta breaks the toy")\nRuntimeError: a low beta breaks the toy\n	{}	{}	[]	{}	{"machine": "x86_64"}	{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.386773+00	2026-11-21 07:51:15.397394+00	2026-11-21 07:51:15.401493+00
toy	1	complete	{"beta": 0.7188194555230438, "threshold": 1.594340304256214, "reset": "subtract"}	3007929	0			{"accuracy": 0.6672081672286985, "float_accuracy": 0.6672081672286985}	{"silence": -0.1}	[45.94097277615219, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.452502+00	2026-11-21 07:51:15.460247+00	2026-11-21 07:51:15.463746+00
toy	2	complete	{"beta": 0.9044680199585855, "threshold": 0.8826844169947966, "reset": "zero"}	3015848	0			{"accuracy": 0.8267645830145007, "float_accuracy": 0.8267645830145007}	{"silence": -0.1}	[55.223400997929275, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.539065+00	2026-11-21 07:51:15.542283+00	2026-11-21 07:51:15.545078+00
toy	3	silent	{"beta": 0.553140995465219, "threshold": 2.772028451516717, "reset": "subtract"}	3023767	0	too few spikes		{}	{"silence": 0.9240094838389057}	[]	{}	{"machine": "x86_64"}	{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.60443+00	2026-11-21 07:51:15.610652+00	2026-11-21 07:51:15.618307+00
toy	4	complete	{"beta": 0.6663492953591048, "threshold": 0.6304561539541719, "reset": "subtract"}	3031686	0			{"accuracy": 0.6628727850029232, "float_accuracy": 0.6628727850029232}	{"silence": -0.1}	[43.317464767955244, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.666737+00	2026-11-21 07:51:15.676261+00	2026-11-21 07:51:15.680471+00
toy	5	complete	{"beta": 0.9271929289773106, "threshold": 1.9899776298720855, "reset": "zero"}	3039605	0			{"accuracy": 0.7186307186469192, "float_accuracy": 0.7186307186469192}	{"silence": -0.1}	[56.35964644886553, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.735906+00	2026-11-21 07:51:15.744913+00	2026-11-21 07:51:15.748491+00
toy	6	running	{"beta": 0.5, "threshold": 1.0, "reset": "zero"}	5	0			{}	{}	[]	{}	{}	{"source": "sobol"}	\N	2026-11-21 07:51:15.800062+00	2026-11-21 07:51:15.804171+00	\N
whole	0	complete	{"beta": 0.8201454402183315, "threshold": 0.7717627206808992, "reset": "zero"}	3000010	0			{"accuracy": 0.7640090995427891, "float_accuracy": 0.7640090995427891}	{"silence": -0.1}	[51.00727201091657, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "random", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.86712+00	2026-11-21 07:51:15.871094+00	2026-11-21 07:51:15.873939+00
whole	1	complete	{"beta": 0.8313687323058097, "threshold": 1.8729008853107927, "reset": "subtract"}	3007929	0			{"accuracy": 0.6899658640160679, "float_accuracy": 0.6899658640160679}	{"silence": -0.1}	[51.56843661529048, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "random", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.892238+00	2026-11-21 07:51:15.897244+00	2026-11-21 07:51:15.900131+00
whole	2	complete	{"beta": 0.8820874805090398, "threshold": 0.6562450031874811, "reset": "zero"}	3015848	0			{"accuracy": 0.7837691914478118, "float_accuracy": 0.7837691914478118}	{"silence": -0.1}	[54.10437402545199, 5.0, 1.0]	{}	{"machine": "x86_64"}	{"source": "random", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}	\N	2026-11-21 07:51:15.919111+00	2026-11-21 07:51:15.922211+00	2026-11-21 07:51:15.9251+00
\.


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.events_id_seq', 44, true);


--
-- Name: campaigns campaigns_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (name);


--
-- Name: designs designs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.designs
    ADD CONSTRAINT designs_pkey PRIMARY KEY (campaign, trial, index);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);


--
-- Name: spikefront_version spikefront_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.spikefront_version
    ADD CONSTRAINT spikefront_version_pkc PRIMARY KEY (version_num);


--
-- Name: trials trials_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_pkey PRIMARY KEY (campaign, number);


--
-- Name: events_by_campaign; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_by_campaign ON public.events USING btree (campaign, id);


--
-- Name: trials_by_state; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX trials_by_state ON public.trials USING btree (campaign, state);


--
-- Name: designs designs_campaign_trial_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.designs
    ADD CONSTRAINT designs_campaign_trial_fkey FOREIGN KEY (campaign, trial) REFERENCES public.trials(campaign, number);


--
-- Name: events events_campaign_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaigns(name);


--
-- Name: trials trials_campaign_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaigns(name);


--
-- PostgreSQL database dump complete
--


