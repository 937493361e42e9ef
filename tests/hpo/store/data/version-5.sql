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
    stop_reason text,
    exempt_trials integer DEFAULT 0 NOT NULL,
    narrowings json,
    warm_start json,
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
    test_measures json,
    dominated boolean DEFAULT false NOT NULL
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
-- Name: progress; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.progress (
    campaign character varying(64) NOT NULL,
    trial integer NOT NULL,
    at timestamp with time zone NOT NULL,
    detail json NOT NULL
);


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

INSERT INTO public.campaigns VALUES ('whole', 'finished', '{"name": "whole", "seed": 3, "data": {"set": "digits", "validation_fraction": 0.2}, "space": {"beta": {"type": "float", "low": 0.4, "high": 0.98, "log": false}, "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": true}, "reset": {"type": "categorical", "choices": ["subtract", "zero"]}}, "fixed": {}, "designs": {}, "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}}, "constraints": {}, "silence": {"alpha": 1, "beta_silent": 0.1, "update_interval": 256, "warmup_epochs": 1, "monitored_layers": [-1], "quiet_steps": 20, "gradient_floor": 1e-07, "exploding_rate": 0.95, "audit_share": 0.05}, "budget": {"trials": 3, "initial": 3}, "workers": {"count": 2, "threads": 1}, "search": "bayesian", "energy_model": "asic_45nm", "start": []}', 3, '{"accuracy": 0.1, "latency_us": 100.0}', '{}', '2026-11-21 09:50:24.47131+00', '2026-11-21 09:50:24.64407+00', 'elsewhere:1:x', '2026-11-21 09:50:24.64407+00', 1, NULL, false, 0, NULL, 0, '[{"from": 3, "space": {"beta": {"low": 0.6, "high": 0.9}, "reset": {"values": ["zero"]}}}]', NULL);
INSERT INTO public.campaigns VALUES ('toy', 'running', '{"name": "toy", "seed": 3, "data": {"set": "digits", "validation_fraction": 0.2}, "space": {"beta": {"type": "float", "low": 0.4, "high": 0.98, "log": false}, "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": true}, "reset": {"type": "categorical", "choices": ["subtract", "zero"]}}, "fixed": {}, "designs": {}, "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}}, "constraints": {}, "silence": {"alpha": 1, "beta_silent": 0.1, "update_interval": 256, "warmup_epochs": 1, "monitored_layers": [-1], "quiet_steps": 20, "gradient_floor": 1e-07, "exploding_rate": 0.95, "audit_share": 0.05}, "budget": {"trials": 8, "initial": 6}, "workers": {"count": 2, "threads": 1}, "search": "bayesian", "energy_model": "asic_45nm", "start": []}', 3, '{"accuracy": 0.1, "latency_us": 100.0}', '{}', '2026-11-21 09:50:21.988863+00', '2026-11-21 09:50:22.003689+00', 'elsewhere:1:x', '2026-11-21 09:50:22.003689+00', 1, NULL, false, 0, NULL, 0, NULL, NULL);


--
-- Data for Name: designs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.designs VALUES ('toy', 2, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.8267645830145007, "latency_us": 55.223400997929275, "silent_fraction": 0.0}', '{}', true, NULL, false);
INSERT INTO public.designs VALUES ('toy', 4, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.6628727850029232, "latency_us": 43.317464767955244, "silent_fraction": 0.0}', '{}', true, NULL, false);
INSERT INTO public.designs VALUES ('toy', 5, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.7186307186469192, "latency_us": 56.35964644886553, "silent_fraction": 0.0}', '{}', true, NULL, true);
INSERT INTO public.designs VALUES ('toy', 1, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.6672081672286985, "latency_us": 45.94097277615219, "silent_fraction": 0.0}', '{}', true, '{"accuracy": 0.5}', false);
INSERT INTO public.designs VALUES ('whole', 1, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.6672081672286985, "latency_us": 45.94097277615219, "silent_fraction": 0.0}', '{}', true, NULL, false);
INSERT INTO public.designs VALUES ('whole', 2, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.8267645830145007, "latency_us": 55.223400997929275, "silent_fraction": 0.0}', '{}', true, NULL, false);


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, '2026-11-21 09:50:21.991707+00', 'toy', NULL, 'campaign_created', '{}');
INSERT INTO public.events VALUES (2, '2026-11-21 09:50:22.000288+00', 'toy', NULL, 'lease_taken', '{"holder": "vm:32332:a70d5fd6", "token": 1}');
INSERT INTO public.events VALUES (3, '2026-11-21 09:50:22.003633+00', 'toy', NULL, 'campaign_state', '{"from": "created", "to": "running", "lease": 1}');
INSERT INTO public.events VALUES (4, '2026-11-21 09:50:22.042204+00', 'toy', 0, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (5, '2026-11-21 09:50:22.045491+00', 'toy', 0, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (6, '2026-11-21 09:50:22.056903+00', 'toy', 0, 'trial_finished', '{"state": "failed", "reason": "RuntimeError: a low beta breaks the toy", "designs": 0, "lease": 1}');
INSERT INTO public.events VALUES (7, '2026-11-21 09:50:22.084489+00', 'toy', 1, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (8, '2026-11-21 09:50:22.091209+00', 'toy', 1, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (9, '2026-11-21 09:50:22.103644+00', 'toy', 1, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (10, '2026-11-21 09:50:22.132441+00', 'toy', 2, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (11, '2026-11-21 09:50:22.134576+00', 'toy', 2, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (12, '2026-11-21 09:50:22.147258+00', 'toy', 2, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (13, '2026-11-21 09:50:22.173037+00', 'toy', 3, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (14, '2026-11-21 09:50:22.17534+00', 'toy', 3, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (15, '2026-11-21 09:50:22.183899+00', 'toy', 3, 'trial_finished', '{"state": "silent", "reason": "too few spikes", "designs": 0, "lease": 1}');
INSERT INTO public.events VALUES (16, '2026-11-21 09:50:22.209053+00', 'toy', 4, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (17, '2026-11-21 09:50:22.216557+00', 'toy', 4, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (18, '2026-11-21 09:50:22.226918+00', 'toy', 4, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (19, '2026-11-21 09:50:22.253008+00', 'toy', 5, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (20, '2026-11-21 09:50:22.255137+00', 'toy', 5, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (21, '2026-11-21 09:50:22.264272+00', 'toy', 5, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (22, '2026-11-21 09:50:23.986129+00', 'toy', 6, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (23, '2026-11-21 09:50:23.991231+00', 'toy', 6, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (24, '2026-11-21 09:50:24.011555+00', 'toy', 1, 'design_tested', '{"design": "1-0", "accuracy": 0.5}');
INSERT INTO public.events VALUES (25, '2026-11-21 09:50:24.473735+00', 'whole', NULL, 'campaign_created', '{}');
INSERT INTO public.events VALUES (26, '2026-11-21 09:50:24.490682+00', 'whole', NULL, 'lease_taken', '{"holder": "vm:32322:9686be85", "token": 1}');
INSERT INTO public.events VALUES (27, '2026-11-21 09:50:24.496229+00', 'whole', NULL, 'campaign_state', '{"from": "created", "to": "running", "lease": 1}');
INSERT INTO public.events VALUES (28, '2026-11-21 09:50:24.531189+00', 'whole', 0, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (29, '2026-11-21 09:50:24.53411+00', 'whole', 0, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (30, '2026-11-21 09:50:24.541585+00', 'whole', 0, 'trial_finished', '{"state": "failed", "reason": "RuntimeError: a low beta breaks the toy", "designs": 0, "lease": 1}');
INSERT INTO public.events VALUES (31, '2026-11-21 09:50:24.560756+00', 'whole', 1, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (32, '2026-11-21 09:50:24.56272+00', 'whole', 1, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (33, '2026-11-21 09:50:24.571226+00', 'whole', 1, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (34, '2026-11-21 09:50:24.591964+00', 'whole', 2, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (35, '2026-11-21 09:50:24.594315+00', 'whole', 2, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (36, '2026-11-21 09:50:24.60376+00', 'whole', 2, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (37, '2026-11-21 09:50:24.623139+00', 'whole', NULL, 'campaign_state', '{"from": "running", "to": "finished", "lease": 1}');
INSERT INTO public.events VALUES (38, '2026-11-21 09:50:24.627854+00', 'whole', NULL, 'lease_dropped', '{"holder": "vm:32322:9686be85", "token": 1}');
INSERT INTO public.events VALUES (39, '2026-11-21 09:50:24.644095+00', 'whole', NULL, 'campaign_narrowed', '{"from": 3, "space": {"beta": {"low": 0.6, "high": 0.9}, "reset": {"values": ["zero"]}}, "by": "vm:32322"}');


--
-- Data for Name: progress; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.progress VALUES ('toy', 6, '2026-11-21 09:50:23.999486+00', '{"epoch": 1, "loss": 2.0, "train_accuracy": 0.25, "validation_accuracy": 0.5, "spikes_per_layer": [30.0, 2.0], "firing_rates": [0.25, 0.125], "silence_constraint": -0.1, "seconds": 1.5, "curve": {"epoch": [1], "loss": [2.0], "validation_accuracy": [0.5]}}');


--
-- Data for Name: spikefront_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.spikefront_version VALUES ('5');


--
-- Data for Name: trials; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.trials VALUES ('toy', 0, 'failed', '{"beta": 0.4397097745537758, "threshold": 0.5030929440170953, "reset": "zero"}', 3000010, 0, 'RuntimeError: a low beta breaks the toy', 'Traceback (most recent call last):
  File "/home/user/spikefront/workers/guard.py", line 31, in guarded
    return evaluate(request, reporter)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/user/spikefront/workers/pool.py", line 110, in evaluate
    return self._evaluate(asked, tell)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/user/spikefront/tests/hpo/store/write_version.py", line 60, in killed
    return evaluate(request)
           ^^^^^^^^^^^^^^^^^
  File "/home/user/spikefront/tests/hpo/toy.py", line 43, in evaluate
    raise RuntimeError("a low beta breaks the toy")
RuntimeError: a low beta breaks the toy
', '{}', '{}', '[]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:22.040223+00', '2026-11-21 09:50:22.045472+00', '2026-11-21 09:50:22.053726+00');
INSERT INTO public.trials VALUES ('toy', 1, 'complete', '{"beta": 0.7188194555230438, "threshold": 1.594340304256214, "reset": "subtract"}', 3007929, 0, '', '', '{"accuracy": 0.6672081672286985, "float_accuracy": 0.6672081672286985}', '{"silence": -0.1}', '[45.94097277615219, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:22.083653+00', '2026-11-21 09:50:22.091191+00', '2026-11-21 09:50:22.094105+00');
INSERT INTO public.trials VALUES ('toy', 2, 'complete', '{"beta": 0.9044680199585855, "threshold": 0.8826844169947966, "reset": "zero"}', 3015848, 0, '', '', '{"accuracy": 0.8267645830145007, "float_accuracy": 0.8267645830145007}', '{"silence": -0.1}', '[55.223400997929275, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:22.131646+00', '2026-11-21 09:50:22.134563+00', '2026-11-21 09:50:22.140619+00');
INSERT INTO public.trials VALUES ('toy', 3, 'silent', '{"beta": 0.553140995465219, "threshold": 2.772028451516717, "reset": "subtract"}', 3023767, 0, 'too few spikes', '', '{}', '{"silence": 0.9240094838389057}', '[]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:22.172244+00', '2026-11-21 09:50:22.175326+00', '2026-11-21 09:50:22.179244+00');
INSERT INTO public.trials VALUES ('toy', 4, 'complete', '{"beta": 0.6663492953591048, "threshold": 0.6304561539541719, "reset": "subtract"}', 3031686, 0, '', '', '{"accuracy": 0.6628727850029232, "float_accuracy": 0.6628727850029232}', '{"silence": -0.1}', '[43.317464767955244, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:22.20826+00', '2026-11-21 09:50:22.216543+00', '2026-11-21 09:50:22.224254+00');
INSERT INTO public.trials VALUES ('toy', 5, 'complete', '{"beta": 0.9271929289773106, "threshold": 1.9899776298720855, "reset": "zero"}', 3039605, 0, '', '', '{"accuracy": 0.7186307186469192, "float_accuracy": 0.7186307186469192}', '{"silence": -0.1}', '[56.35964644886553, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:22.252221+00', '2026-11-21 09:50:22.255123+00', '2026-11-21 09:50:22.260013+00');
INSERT INTO public.trials VALUES ('toy', 6, 'running', '{"beta": 0.636313498975709, "threshold": 0.30712535037695005, "reset": "subtract"}', 3047524, 0, '', '', '{}', '{}', '[]', '{}', '{}', '{"source": "region", "centre": 4, "length": 0.8, "feasible": 0.9779478777139184, "score": -4.413166515965565, "design": 0, "predicted": {"accuracy": {"mean": 0.6753361862044516, "low": 0.5283478601282462, "q25": 0.6163831844598247, "median": 0.6819216273837045, "q75": 0.7409689835199097, "high": 0.8040374737786842}, "latency_us": {"mean": 42.727419806742844, "low": 36.977483795671596, "q25": 39.98371030640161, "median": 42.56000766804921, "q75": 45.30226956831136, "high": 48.98532904595839}}, "gain": 0.013817209073237923}', NULL, '2026-11-21 09:50:23.985181+00', '2026-11-21 09:50:23.991216+00', NULL);
INSERT INTO public.trials VALUES ('whole', 0, 'failed', '{"beta": 0.4397097745537758, "threshold": 0.5030929440170953, "reset": "zero"}', 3000010, 0, 'RuntimeError: a low beta breaks the toy', 'Traceback (most recent call last):
  File "/home/user/spikefront/workers/guard.py", line 31, in guarded
    return evaluate(request, reporter)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/user/spikefront/workers/pool.py", line 110, in evaluate
    return self._evaluate(asked, tell)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/user/spikefront/tests/hpo/toy.py", line 43, in evaluate
    raise RuntimeError("a low beta breaks the toy")
RuntimeError: a low beta breaks the toy
', '{}', '{}', '[]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:24.526683+00', '2026-11-21 09:50:24.534093+00', '2026-11-21 09:50:24.539958+00');
INSERT INTO public.trials VALUES ('whole', 1, 'complete', '{"beta": 0.7188194555230438, "threshold": 1.594340304256214, "reset": "subtract"}', 3007929, 0, '', '', '{"accuracy": 0.6672081672286985, "float_accuracy": 0.6672081672286985}', '{"silence": -0.1}', '[45.94097277615219, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:24.560055+00', '2026-11-21 09:50:24.562705+00', '2026-11-21 09:50:24.568043+00');
INSERT INTO public.trials VALUES ('whole', 2, 'complete', '{"beta": 0.9044680199585855, "threshold": 0.8826844169947966, "reset": "zero"}', 3015848, 0, '', '', '{"accuracy": 0.8267645830145007, "float_accuracy": 0.8267645830145007}', '{"silence": -0.1}', '[55.223400997929275, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "design": null, "predicted": {}, "gain": null}', NULL, '2026-11-21 09:50:24.59114+00', '2026-11-21 09:50:24.594302+00', '2026-11-21 09:50:24.59925+00');


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.events_id_seq', 39, true);


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
-- Name: progress progress_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (campaign, trial);


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
-- Name: designs_by_front; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX designs_by_front ON public.designs USING btree (campaign, feasible, dominated, trial, index);


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
-- Name: progress progress_campaign_trial_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_campaign_trial_fkey FOREIGN KEY (campaign, trial) REFERENCES public.trials(campaign, number);


--
-- Name: trials trials_campaign_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trials
    ADD CONSTRAINT trials_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaigns(name);


--
-- PostgreSQL database dump complete
--


