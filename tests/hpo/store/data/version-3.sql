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

INSERT INTO public.campaigns VALUES ('toy', 'running', '{"name": "toy", "seed": 3, "data": {"set": "digits", "validation_fraction": 0.2}, "space": {"beta": {"type": "float", "low": 0.4, "high": 0.98, "log": false}, "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": true}, "reset": {"type": "categorical", "choices": ["subtract", "zero"]}}, "fixed": {}, "designs": {}, "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}}, "constraints": {}, "silence": {"alpha": 1, "beta_silent": 0.1, "update_interval": 256, "warmup_epochs": 1, "monitored_layers": [-1], "quiet_steps": 20, "gradient_floor": 1e-07, "exploding_rate": 0.95, "audit_share": 0.05}, "budget": {"trials": 8, "initial": 6}, "workers": {"count": 2, "threads": 1}, "search": "bayesian", "energy_model": "asic_45nm"}', 3, '{"accuracy": 0.1, "latency_us": 100.0}', '{}', '2026-11-21 09:13:09.88041+00', '2026-11-21 09:13:09.916729+00', 'elsewhere:1:x', '2026-11-21 09:13:09.916729+00', 1, NULL, false, 0);
INSERT INTO public.campaigns VALUES ('whole', 'finished', '{"name": "whole", "seed": 3, "data": {"set": "digits", "validation_fraction": 0.2}, "space": {"beta": {"type": "float", "low": 0.4, "high": 0.98, "log": false}, "threshold": {"type": "float", "low": 0.3, "high": 3.0, "log": true}, "reset": {"type": "categorical", "choices": ["subtract", "zero"]}}, "fixed": {}, "designs": {}, "objectives": {"accuracy": {"reference": 0.1}, "latency_us": {"reference": 100.0}}, "constraints": {}, "silence": {"alpha": 1, "beta_silent": 0.1, "update_interval": 256, "warmup_epochs": 1, "monitored_layers": [-1], "quiet_steps": 20, "gradient_floor": 1e-07, "exploding_rate": 0.95, "audit_share": 0.05}, "budget": {"trials": 3, "initial": 3}, "workers": {"count": 2, "threads": 1}, "search": "bayesian", "energy_model": "asic_45nm"}', 3, '{"accuracy": 0.1, "latency_us": 100.0}', '{}', '2026-11-21 09:13:12.878227+00', '2026-11-21 09:13:13.067038+00', 'elsewhere:1:x', '2026-11-21 09:13:13.067038+00', 1, NULL, false, 0);


--
-- Data for Name: designs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.designs VALUES ('toy', 2, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.8267645830145007, "latency_us": 55.223400997929275, "silent_fraction": 0.0}', '{}', true, NULL);
INSERT INTO public.designs VALUES ('toy', 4, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.6628727850029232, "latency_us": 43.317464767955244, "silent_fraction": 0.0}', '{}', true, NULL);
INSERT INTO public.designs VALUES ('toy', 5, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.7186307186469192, "latency_us": 56.35964644886553, "silent_fraction": 0.0}', '{}', true, NULL);
INSERT INTO public.designs VALUES ('toy', 1, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.6672081672286985, "latency_us": 45.94097277615219, "silent_fraction": 0.0}', '{}', true, '{"accuracy": 0.5}');
INSERT INTO public.designs VALUES ('whole', 1, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.6672081672286985, "latency_us": 45.94097277615219, "silent_fraction": 0.0}', '{}', true, NULL);
INSERT INTO public.designs VALUES ('whole', 2, 0, '{"lanes": [1, 1]}', '{"accuracy": 0.8267645830145007, "latency_us": 55.223400997929275, "silent_fraction": 0.0}', '{}', true, NULL);


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, '2026-11-21 09:13:09.885854+00', 'toy', NULL, 'campaign_created', '{}');
INSERT INTO public.events VALUES (2, '2026-11-21 09:13:09.903256+00', 'toy', NULL, 'lease_taken', '{"holder": "vm:9117:fe49fd84", "token": 1}');
INSERT INTO public.events VALUES (3, '2026-11-21 09:13:09.916678+00', 'toy', NULL, 'campaign_state', '{"from": "created", "to": "running", "lease": 1}');
INSERT INTO public.events VALUES (4, '2026-11-21 09:13:10.01442+00', 'toy', 0, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (5, '2026-11-21 09:13:10.024859+00', 'toy', 0, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (6, '2026-11-21 09:13:10.04678+00', 'toy', 0, 'trial_finished', '{"state": "failed", "reason": "RuntimeError: a low beta breaks the toy", "designs": 0, "lease": 1}');
INSERT INTO public.events VALUES (7, '2026-11-21 09:13:10.06586+00', 'toy', 1, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (8, '2026-11-21 09:13:10.075172+00', 'toy', 1, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (9, '2026-11-21 09:13:10.079516+00', 'toy', 1, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (10, '2026-11-21 09:13:10.106404+00', 'toy', 2, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (11, '2026-11-21 09:13:10.112525+00', 'toy', 2, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (12, '2026-11-21 09:13:10.120101+00', 'toy', 2, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (13, '2026-11-21 09:13:10.148391+00', 'toy', 3, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (14, '2026-11-21 09:13:10.155957+00', 'toy', 3, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (15, '2026-11-21 09:13:10.166605+00', 'toy', 3, 'trial_finished', '{"state": "silent", "reason": "too few spikes", "designs": 0, "lease": 1}');
INSERT INTO public.events VALUES (16, '2026-11-21 09:13:10.200238+00', 'toy', 4, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (17, '2026-11-21 09:13:10.204045+00', 'toy', 4, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (18, '2026-11-21 09:13:10.21565+00', 'toy', 4, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (19, '2026-11-21 09:13:10.248803+00', 'toy', 5, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (20, '2026-11-21 09:13:10.252672+00', 'toy', 5, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (21, '2026-11-21 09:13:10.266354+00', 'toy', 5, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (22, '2026-11-21 09:13:12.31736+00', 'toy', 6, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (23, '2026-11-21 09:13:12.319464+00', 'toy', 6, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (24, '2026-11-21 09:13:12.345788+00', 'toy', 1, 'design_tested', '{"design": "1-0", "accuracy": 0.5}');
INSERT INTO public.events VALUES (25, '2026-11-21 09:13:12.883795+00', 'whole', NULL, 'campaign_created', '{}');
INSERT INTO public.events VALUES (26, '2026-11-21 09:13:12.896019+00', 'whole', NULL, 'lease_taken', '{"holder": "vm:9040:fabc9db6", "token": 1}');
INSERT INTO public.events VALUES (27, '2026-11-21 09:13:12.907388+00', 'whole', NULL, 'campaign_state', '{"from": "created", "to": "running", "lease": 1}');
INSERT INTO public.events VALUES (28, '2026-11-21 09:13:12.959936+00', 'whole', 0, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (29, '2026-11-21 09:13:12.962752+00', 'whole', 0, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (30, '2026-11-21 09:13:12.972583+00', 'whole', 0, 'trial_finished', '{"state": "failed", "reason": "RuntimeError: a low beta breaks the toy", "designs": 0, "lease": 1}');
INSERT INTO public.events VALUES (31, '2026-11-21 09:13:12.996499+00', 'whole', 1, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (32, '2026-11-21 09:13:12.998383+00', 'whole', 1, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (33, '2026-11-21 09:13:13.007749+00', 'whole', 1, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (34, '2026-11-21 09:13:13.034195+00', 'whole', 2, 'trial_queued', '{"lease": 1}');
INSERT INTO public.events VALUES (35, '2026-11-21 09:13:13.039736+00', 'whole', 2, 'trial_started', '{"attempts": 0, "lease": 1}');
INSERT INTO public.events VALUES (36, '2026-11-21 09:13:13.047064+00', 'whole', 2, 'trial_finished', '{"state": "complete", "reason": "", "designs": 1, "lease": 1}');
INSERT INTO public.events VALUES (37, '2026-11-21 09:13:13.06699+00', 'whole', NULL, 'campaign_state', '{"from": "running", "to": "finished", "lease": 1}');
INSERT INTO public.events VALUES (38, '2026-11-21 09:13:13.075536+00', 'whole', NULL, 'lease_dropped', '{"holder": "vm:9040:fabc9db6", "token": 1}');


--
-- Data for Name: progress; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.progress VALUES ('toy', 6, '2026-11-21 09:13:12.331469+00', '{"epoch": 1, "loss": 2.0, "train_accuracy": 0.25, "validation_accuracy": 0.5, "spikes_per_layer": [30.0, 2.0], "firing_rates": [0.25, 0.125], "silence_constraint": -0.1, "seconds": 1.5, "curve": {"epoch": [1], "loss": [2.0], "validation_accuracy": [0.5]}}');


--
-- Data for Name: spikefront_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.spikefront_version VALUES ('3');


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
  File "/home/user/spikefront/tests/hpo/store/write_version.py", line 58, in killed
    return evaluate(request)
           ^^^^^^^^^^^^^^^^^
  File "/home/user/spikefront/tests/hpo/toy.py", line 43, in evaluate
    raise RuntimeError("a low beta breaks the toy")
RuntimeError: a low beta breaks the toy
', '{}', '{}', '[]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:10.006363+00', '2026-11-21 09:13:10.024842+00', '2026-11-21 09:13:10.041675+00');
INSERT INTO public.trials VALUES ('toy', 1, 'complete', '{"beta": 0.7188194555230438, "threshold": 1.594340304256214, "reset": "subtract"}', 3007929, 0, '', '', '{"accuracy": 0.6672081672286985, "float_accuracy": 0.6672081672286985}', '{"silence": -0.1}', '[45.94097277615219, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:10.06414+00', '2026-11-21 09:13:10.075156+00', '2026-11-21 09:13:10.077816+00');
INSERT INTO public.trials VALUES ('toy', 2, 'complete', '{"beta": 0.9044680199585855, "threshold": 0.8826844169947966, "reset": "zero"}', 3015848, 0, '', '', '{"accuracy": 0.8267645830145007, "float_accuracy": 0.8267645830145007}', '{"silence": -0.1}', '[55.223400997929275, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:10.105771+00', '2026-11-21 09:13:10.112514+00', '2026-11-21 09:13:10.118831+00');
INSERT INTO public.trials VALUES ('toy', 3, 'silent', '{"beta": 0.553140995465219, "threshold": 2.772028451516717, "reset": "subtract"}', 3023767, 0, 'too few spikes', '', '{}', '{"silence": 0.9240094838389057}', '[]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:10.144117+00', '2026-11-21 09:13:10.155946+00', '2026-11-21 09:13:10.165052+00');
INSERT INTO public.trials VALUES ('toy', 4, 'complete', '{"beta": 0.6663492953591048, "threshold": 0.6304561539541719, "reset": "subtract"}', 3031686, 0, '', '', '{"accuracy": 0.6628727850029232, "float_accuracy": 0.6628727850029232}', '{"silence": -0.1}', '[43.317464767955244, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:10.199617+00', '2026-11-21 09:13:10.204034+00', '2026-11-21 09:13:10.212476+00');
INSERT INTO public.trials VALUES ('toy', 5, 'complete', '{"beta": 0.9271929289773106, "threshold": 1.9899776298720855, "reset": "zero"}', 3039605, 0, '', '', '{"accuracy": 0.7186307186469192, "float_accuracy": 0.7186307186469192}', '{"silence": -0.1}', '[56.35964644886553, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:10.248142+00', '2026-11-21 09:13:10.25266+00', '2026-11-21 09:13:10.265171+00');
INSERT INTO public.trials VALUES ('toy', 6, 'running', '{"beta": 0.636313498975709, "threshold": 0.30712535037695005, "reset": "subtract"}', 3047524, 0, '', '', '{}', '{}', '[]', '{}', '{}', '{"source": "region", "centre": 4, "length": 0.8, "feasible": 0.9779478777139184, "score": -4.413166515965565, "predicted": {"accuracy": {"mean": 0.6768643036531274, "low": 0.5275924515770666, "high": 0.8043517277522417}, "latency_us": {"mean": 42.64098622352067, "low": 38.706183957149115, "high": 46.79813290795513}}}', NULL, '2026-11-21 09:13:12.316514+00', '2026-11-21 09:13:12.319451+00', NULL);
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
', '{}', '{}', '[]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:12.954076+00', '2026-11-21 09:13:12.962735+00', '2026-11-21 09:13:12.967922+00');
INSERT INTO public.trials VALUES ('whole', 1, 'complete', '{"beta": 0.7188194555230438, "threshold": 1.594340304256214, "reset": "subtract"}', 3007929, 0, '', '', '{"accuracy": 0.6672081672286985, "float_accuracy": 0.6672081672286985}', '{"silence": -0.1}', '[45.94097277615219, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:12.995846+00', '2026-11-21 09:13:12.998368+00', '2026-11-21 09:13:13.003635+00');
INSERT INTO public.trials VALUES ('whole', 2, 'complete', '{"beta": 0.9044680199585855, "threshold": 0.8826844169947966, "reset": "zero"}', 3015848, 0, '', '', '{"accuracy": 0.8267645830145007, "float_accuracy": 0.8267645830145007}', '{"silence": -0.1}', '[55.223400997929275, 5.0, 1.0]', '{}', '{"machine": "x86_64"}', '{"source": "sobol", "centre": null, "length": null, "feasible": null, "score": null, "predicted": {}}', NULL, '2026-11-21 09:13:13.033527+00', '2026-11-21 09:13:13.039725+00', '2026-11-21 09:13:13.042031+00');


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.events_id_seq', 38, true);


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


