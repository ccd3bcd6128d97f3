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
CREATE TYPE public.chunk_state AS ENUM (
    'cached',
    'reserved',
    'settled'
);
CREATE TYPE public.message_state AS ENUM (
    'queued',
    'requeued',
    'sending',
    'sent',
    'failed',
    'suppressed',
    'unknown'
);
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.erasure_key (
    only_row boolean DEFAULT true NOT NULL,
    inner_key bytea DEFAULT (sha256((((gen_random_uuid())::text || (gen_random_uuid())::text))::bytea) || sha256((((gen_random_uuid())::text || (gen_random_uuid())::text))::bytea)) NOT NULL,
    outer_key bytea DEFAULT (sha256((((gen_random_uuid())::text || (gen_random_uuid())::text))::bytea) || sha256((((gen_random_uuid())::text || (gen_random_uuid())::text))::bytea)) NOT NULL,
    CONSTRAINT erasure_key_only_row_check CHECK (only_row)
);
CREATE FUNCTION public.erased_address(k public.erasure_key, address_key text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT 'erased:' || left(
        encode(sha256(k.outer_key || sha256(k.inner_key || convert_to(address_key, 'UTF8'))), 'hex'), 40
    )
$$;
CREATE TABLE public.attempt (
    id bigint NOT NULL,
    chunk_id bigint NOT NULL,
    run_id text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    ending text,
    journal_id uuid DEFAULT gen_random_uuid() NOT NULL,
    sent_before integer DEFAULT 0 NOT NULL,
    failed_before integer DEFAULT 0 NOT NULL,
    sent integer,
    failed integer,
    edition integer
);
ALTER TABLE public.attempt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.chunk (
    id bigint NOT NULL,
    occurrence_id bigint NOT NULL,
    task_id bigint NOT NULL,
    sender_domain text NOT NULL,
    first_seq integer NOT NULL,
    last_seq integer NOT NULL,
    state public.chunk_state NOT NULL,
    pending integer NOT NULL,
    sent integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    suppressed integer DEFAULT 0 NOT NULL,
    unknown integer DEFAULT 0 NOT NULL,
    sending_through integer NOT NULL,
    cached_at timestamp with time zone,
    due_at timestamp with time zone,
    reason text,
    setbacks smallint DEFAULT 0 NOT NULL,
    run_id text,
    reserved_at timestamp with time zone,
    quota_day_id bigint,
    reserved integer DEFAULT 0 NOT NULL,
    used_before integer DEFAULT 0 NOT NULL,
    attempt_id bigint,
    steps bigint DEFAULT 0 NOT NULL,
    CONSTRAINT chunk_check CHECK ((first_seq <= last_seq)),
    CONSTRAINT chunk_check1 CHECK ((((((pending + sent) + failed) + suppressed) + unknown) = ((last_seq - first_seq) + 1))),
    CONSTRAINT chunk_check2 CHECK (((state <> 'settled'::public.chunk_state) OR (pending = 0))),
    CONSTRAINT chunk_check3 CHECK (((state <> 'reserved'::public.chunk_state) OR ((run_id IS NOT NULL) AND (quota_day_id IS NOT NULL)))),
    CONSTRAINT chunk_failed_check CHECK ((failed >= 0)),
    CONSTRAINT chunk_pending_check CHECK ((pending >= 0)),
    CONSTRAINT chunk_sent_check CHECK ((sent >= 0)),
    CONSTRAINT chunk_suppressed_check CHECK ((suppressed >= 0)),
    CONSTRAINT chunk_unknown_check CHECK ((unknown >= 0))
);
ALTER TABLE public.chunk ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.chunk_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.send_task (
    id bigint NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    template text NOT NULL,
    subject text,
    sender text NOT NULL,
    sender_domain text NOT NULL,
    group_id bigint,
    start_at timestamp with time zone,
    time_zone text NOT NULL,
    every text,
    cron text,
    until timestamp with time zone,
    reply_to text,
    unsubscribe_url text,
    advertisement text DEFAULT 'none'::text NOT NULL,
    start_grace interval DEFAULT '01:00:00'::interval NOT NULL,
    on_unknown text DEFAULT 'hold'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    paused_at timestamp with time zone,
    paused_reason text,
    cancelled_at timestamp with time zone,
    deleted_at timestamp with time zone,
    finished_at timestamp with time zone,
    error text,
    error_at timestamp with time zone,
    cancelled_reason text,
    edition integer DEFAULT 1 NOT NULL,
    first_subject text,
    roles text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT send_task_has_group CHECK (((type = 'test'::text) OR (group_id IS NOT NULL) OR (deleted_at IS NOT NULL))),
    CONSTRAINT send_task_on_unknown_check CHECK ((on_unknown = ANY (ARRAY['hold'::text, 'resend'::text]))),
    CONSTRAINT send_task_roles_check CHECK ((array_position(roles, NULL::text) IS NULL)),
    CONSTRAINT send_task_type_check CHECK ((type = ANY (ARRAY['immediate'::text, 'scheduled'::text, 'recurring'::text, 'triggered'::text, 'test'::text])))
);
CREATE VIEW public.chunk_now AS
 SELECT c.id,
    c.occurrence_id,
    c.task_id,
    c.sender_domain,
    c.first_seq,
    c.last_seq,
    c.state,
    c.pending,
    c.sent,
    c.failed,
    c.suppressed,
    c.unknown,
    c.sending_through,
    c.cached_at,
    c.due_at,
    c.reason,
    c.setbacks,
    c.run_id,
    c.reserved_at,
    c.attempt_id,
    s.standing,
        CASE
            WHEN (s.standing = 'sending'::text) THEN NULL::text
            WHEN (s.standing = 'cancelled'::text) THEN COALESCE(t.cancelled_reason, 'the task is cancelled'::text)
            ELSE COALESCE(t.paused_reason, t.error, c.reason)
        END AS why,
        CASE
            WHEN ((c.state = 'cached'::public.chunk_state) AND (s.standing = ANY (ARRAY['cached'::text, 'retrying'::text])) AND (t.paused_at IS NULL) AND (t.error IS NULL)) THEN c.due_at
            ELSE NULL::timestamp with time zone
        END AS next_try_at
   FROM ((public.chunk c
     JOIN public.send_task t ON ((t.id = c.task_id)))
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (c.pending = 0) THEN NULL::text
                    WHEN ((c.state = 'reserved'::public.chunk_state) AND (EXISTS ( SELECT
                       FROM public.attempt a
                      WHERE ((a.id = c.attempt_id) AND (a.ended_at IS NULL) AND (a.heartbeat_at > (now() - '00:00:15'::interval)))))) THEN 'sending'::text
                    WHEN ((t.cancelled_at IS NOT NULL) OR (t.deleted_at IS NOT NULL)) THEN 'cancelled'::text
                    WHEN ((c.state = 'reserved'::public.chunk_state) AND (c.reason IS NOT NULL)) THEN 'retrying'::text
                    WHEN ((c.state = 'reserved'::public.chunk_state) OR (c.cached_at IS NULL)) THEN 'queued'::text
                    WHEN (c.setbacks > 0) THEN 'retrying'::text
                    ELSE 'cached'::text
                END AS standing) s);
CREATE TABLE public.erasure (
    id bigint NOT NULL,
    person text NOT NULL,
    erased_by text NOT NULL,
    erased_at timestamp with time zone DEFAULT now() NOT NULL,
    facts jsonb NOT NULL
);
ALTER TABLE public.erasure ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.erasure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.former_edition (
    task_id bigint NOT NULL,
    edition integer NOT NULL,
    template text NOT NULL,
    subject text,
    sender text NOT NULL,
    reply_to text,
    unsubscribe_url text,
    advertisement text NOT NULL,
    replaced_at timestamp with time zone DEFAULT now() NOT NULL,
    replaced_by text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.group_import (
    id uuid NOT NULL,
    group_name text NOT NULL,
    file_name text NOT NULL,
    file_bytes bigint,
    started_by text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    stopped_by text,
    bytes_read bigint DEFAULT 0 NOT NULL,
    rows_stored integer DEFAULT 0 NOT NULL,
    rows_rejected integer DEFAULT 0 NOT NULL,
    created boolean,
    recipient_count integer,
    variables text[],
    rejected jsonb DEFAULT '[]'::jsonb NOT NULL,
    fault text,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    problem text,
    report_rows integer DEFAULT 0 NOT NULL,
    report bytea,
    appended boolean DEFAULT false NOT NULL,
    added_count integer,
    encoding text,
    renamed jsonb DEFAULT '{}'::jsonb NOT NULL,
    doubtful_count integer DEFAULT 0 NOT NULL,
    doubtful jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT group_import_state_check CHECK ((state = ANY (ARRAY['running'::text, 'imported'::text, 'failed'::text, 'stopped'::text])))
);
ALTER TABLE ONLY public.group_import ALTER COLUMN report SET STORAGE EXTERNAL;
CREATE TABLE public.installation (
    only_row boolean DEFAULT true NOT NULL,
    id text DEFAULT substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 12) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT installation_only_row_check CHECK (only_row)
);
CREATE TABLE public.message (
    occurrence_id bigint NOT NULL,
    seq integer NOT NULL,
    state public.message_state DEFAULT 'queued'::public.message_state NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    smtp_code smallint,
    attempt_id bigint,
    changed_at timestamp with time zone,
    address text NOT NULL,
    address_key text NOT NULL,
    "values" jsonb NOT NULL,
    smtp_text text,
    first_deferred_at timestamp with time zone,
    retried_code smallint
)
WITH (fillfactor='70');
CREATE TABLE public.occurrence (
    id bigint NOT NULL,
    task_id bigint NOT NULL,
    key text NOT NULL,
    run_id text NOT NULL,
    logical_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    held_reason text,
    frozen_at timestamp with time zone,
    request_count integer DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone,
    number integer DEFAULT 1 NOT NULL
);
ALTER TABLE public.occurrence ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.occurrence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.quota_day (
    id bigint NOT NULL,
    sender_domain text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    number integer NOT NULL,
    allotment integer NOT NULL,
    reserved integer DEFAULT 0 NOT NULL,
    used integer DEFAULT 0 NOT NULL,
    CONSTRAINT quota_day_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT quota_day_used_check CHECK ((used >= 0))
);
ALTER TABLE public.quota_day ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.quota_day_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.recipient (
    group_id bigint CONSTRAINT recipient_group_id_not_null1 NOT NULL,
    "position" integer NOT NULL,
    address text NOT NULL,
    address_key text NOT NULL,
    "values" jsonb NOT NULL
);
CREATE TABLE public.recipient_group (
    id bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    variables text[] NOT NULL,
    recipient_count integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    empty_is_missing boolean DEFAULT false NOT NULL,
    columns_with_empty_cells text[],
    columns_saying_no text[],
    deleted_at timestamp with time zone
);
ALTER TABLE public.recipient_group ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.recipient_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE public.send_task ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.send_task_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.sender_domain (
    domain text NOT NULL,
    rehearsal_key text,
    rehearsal_began_at timestamp with time zone
);
CREATE TABLE public.ses_schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.suppression (
    address_key text NOT NULL,
    address text NOT NULL,
    reason text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    added_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT suppression_reason_check CHECK ((reason = ANY (ARRAY['hard_bounce'::text, 'complaint'::text, 'unsubscribe'::text, 'manual'::text])))
);
CREATE TABLE public.suppression_report (
    id uuid NOT NULL,
    file_name text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    read_count integer NOT NULL,
    changed_count integer NOT NULL,
    rejected jsonb NOT NULL,
    report_rows integer NOT NULL,
    report bytea NOT NULL
);
ALTER TABLE ONLY public.suppression_report ALTER COLUMN report SET STORAGE EXTERNAL;
CREATE TABLE public.task_pause (
    task_id bigint NOT NULL,
    paused_at timestamp with time zone NOT NULL,
    resumed_at timestamp with time zone
);
INSERT INTO public.attempt OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 'scheduled__1', 'worker-1', 1, '2026-11-29 16:31:19.29181+00', '2026-11-27 16:31:19.300551+00', '2026-11-29 16:31:19.382209+00', 'finished', '46ebf943-de52-4373-b7c0-8bb68032aa3a', 0, 0, 4, 1, 1),
	(2, 2, 'scheduled__1', 'worker-1', 1, '2026-11-29 16:31:19.400788+00', '2026-11-27 16:31:19.409267+00', '2026-11-29 16:31:19.435301+00', 'finished', 'cf8f4930-e545-4da5-942d-b360e17a94e2', 0, 0, 5, 0, 1),
	(3, 3, 'scheduled__2', 'worker-1', 1, '2026-11-29 16:31:19.501016+00', '2026-11-27 16:31:19.509168+00', '2026-11-29 16:31:19.536914+00', 'finished', '7e3ece31-f5c0-48a7-a3ef-b665c4e228da', 0, 0, 5, 0, 1),
	(4, 6, 'scheduled__4', 'worker-1', 1, '2026-11-29 16:31:19.644747+00', '2026-11-27 16:31:19.659239+00', '2026-11-29 16:31:19.693267+00', 'finished', 'dffb1dd7-85ea-4559-890b-e34d1209838f', 0, 0, 6, 3, 1),
	(6, 8, 'scheduled__6', 'worker-1', 1, '2026-11-29 16:31:19.85316+00', '2026-11-27 16:31:29.915588+00', '2026-11-29 16:31:29.934085+00', 'released: 452 4.2.2 later', '76fd5a67-fc65-4266-83cd-04581efa9bbd', 0, 0, 6, 0, 1),
	(7, 9, 'scheduled__7', 'worker-1', 1, '2026-11-29 16:31:29.983936+00', '2026-11-27 16:31:29.992319+00', '2026-11-29 16:31:30.018911+00', 'finished', '273c6d35-3dc2-4b0c-8ab8-58e810077fab', 0, 0, 3, 0, 1),
	(8, 10, 'scheduled__8', 'worker-1', 1, '2026-11-29 16:31:30.070123+00', '2026-11-27 16:31:30.083208+00', '2026-11-29 16:31:30.108521+00', 'finished', '9013b0c8-2731-4116-8b65-9372e3e9d16f', 0, 0, 3, 0, 1),
	(9, 11, 'call-1', 'worker-1', 1, '2026-11-29 16:31:30.185226+00', '2026-11-27 16:31:30.196396+00', '2026-11-29 16:31:30.224416+00', 'finished', 'ad57b103-0534-4bdc-8a90-d73abe352d11', 0, 0, 3, 0, 1),
	(10, 12, 'call-2', 'worker-1', 1, '2026-11-29 16:31:30.324759+00', '2026-11-27 16:31:30.336262+00', '2026-11-29 16:31:30.366978+00', 'finished', 'd5eb7861-a568-40c2-bb7f-874387d199b2', 0, 0, 3, 0, 1),
	(5, 7, 'scheduled__5', 'worker-1', 1, '2026-11-29 16:31:19.768507+00', '2026-11-27 16:31:19.780652+00', '2026-11-29 16:31:19.809256+00', 'finished', '4ebd3b96-2e85-4715-9d58-52ed079aedde', 0, 0, 6, 0, 1),
	(11, 13, 'scheduled__12', 'worker-1', 1, '2026-11-29 16:31:30.473871+00', '2026-11-26 16:31:30.495231+00', NULL, NULL, '12e034e7-7f58-42be-ad27-7c976ac3e9ea', 0, 0, NULL, NULL, NULL),
	(12, 14, 'scheduled__13', 'worker-1', 1, '2026-11-29 16:31:30.494901+00', '2026-11-26 16:31:30.495231+00', '2026-11-29 16:31:30.49773+00', 'died', 'bb9d81bf-9018-4086-9eb6-fb87450ecfe6', 0, 0, 0, 0, NULL),
	(13, 20, 'cli__2026-11-29T16:31:30_6829cd', 'worker-1', 1, '2026-11-29 16:31:30.900472+00', '2026-11-27 16:31:30.912081+00', '2026-11-29 16:31:30.939415+00', 'finished', '4673b8d7-5da2-4a1f-af33-7220c3700ce2', 0, 0, 1, 0, 1);
INSERT INTO public.chunk OVERRIDING SYSTEM VALUE VALUES
	(10, 8, 7, 'mail.example.com', 1, 3, 'settled', 0, 3, 0, 0, 0, 3, NULL, NULL, NULL, 0, 'scheduled__8', '2026-11-29 16:31:30.057453+00', 1, 0, 0, NULL, 3),
	(1, 1, 1, 'mail.example.com', 1, 6, 'settled', 0, 4, 1, 1, 0, 6, NULL, NULL, NULL, 0, 'scheduled__1', '2026-11-29 16:31:19.278844+00', 1, 0, 0, NULL, 5),
	(2, 1, 1, 'mail.example.com', 7, 12, 'settled', 0, 5, 0, 1, 0, 12, NULL, NULL, NULL, 0, 'scheduled__1', '2026-11-29 16:31:19.279051+00', 1, 0, 0, NULL, 3),
	(11, 10, 10, 'mail.example.com', 1, 3, 'settled', 0, 3, 0, 0, 0, 3, NULL, NULL, NULL, 0, 'call-1', '2026-11-29 16:31:30.170675+00', 1, 0, 0, NULL, 3),
	(3, 2, 2, 'small.example.com', 1, 7, 'settled', 0, 5, 0, 2, 0, 7, NULL, NULL, NULL, 0, 'scheduled__2', '2026-11-29 16:31:19.487211+00', 2, 0, 0, NULL, 3),
	(12, 11, 10, 'mail.example.com', 1, 3, 'settled', 0, 3, 0, 0, 0, 3, NULL, NULL, NULL, 0, 'call-2', '2026-11-29 16:31:30.282679+00', 1, 0, 0, NULL, 3),
	(6, 4, 4, 'mail.example.com', 1, 12, 'settled', 0, 6, 3, 3, 0, 12, NULL, NULL, NULL, 0, 'scheduled__4', '2026-11-29 16:31:19.630437+00', 1, 0, 0, NULL, 4),
	(9, 7, 7, 'mail.example.com', 1, 3, 'settled', 0, 3, 0, 0, 0, 3, NULL, NULL, NULL, 0, 'scheduled__7', '2026-11-29 16:31:29.972467+00', 1, 0, 0, NULL, 3),
	(20, 19, 18, 'mail.example.com', 1, 1, 'settled', 0, 1, 0, 0, 0, 1, NULL, NULL, NULL, 0, 'cli__2026-11-29T16:31:30_6829cd', '2026-11-29 16:31:30.881241+00', 1, 0, 0, NULL, 3),
	(18, 17, 16, 'small.example.com', 1, 12, 'cached', 9, 0, 0, 3, 0, 0, '2026-11-29 16:31:30.63717+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0),
	(19, 18, 17, 'small.example.com', 1, 12, 'cached', 9, 0, 0, 3, 0, 0, '2026-11-29 16:31:30.662409+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0),
	(4, 2, 2, 'small.example.com', 8, 12, 'cached', 4, 0, 0, 1, 0, 7, '2026-11-29 16:31:19.485595+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0),
	(5, 3, 3, 'small.example.com', 1, 12, 'cached', 9, 0, 0, 3, 0, 0, '2026-11-29 16:31:19.573198+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0),
	(7, 5, 5, 'mail.example.com', 1, 12, 'cached', 3, 6, 0, 3, 0, 12, '2026-11-29 16:31:30.379575+00', '2099-01-01 00:00:00+00', 'a person asked for another try', 0, 'scheduled__5', '2026-11-29 16:31:19.742731+00', 1, 0, 0, NULL, 3),
	(8, 6, 6, 'mail.example.com', 1, 12, 'cached', 3, 6, 0, 3, 0, 12, '2026-11-29 16:31:29.935652+00', '2099-01-01 00:00:00+00', '452 4.2.2 later', 1, 'scheduled__6', '2026-11-29 16:31:19.841949+00', 1, 0, 0, NULL, 18),
	(13, 12, 11, 'mail.example.com', 1, 12, 'reserved', 9, 0, 0, 3, 0, 4, NULL, '2099-01-01 00:00:00+00', NULL, 0, 'scheduled__12', '2026-11-29 16:31:30.473569+00', 1, 9, 0, 11, 0),
	(14, 13, 12, 'mail.example.com', 1, 12, 'cached', 6, 0, 0, 3, 3, 4, '2026-11-29 16:31:30.500222+00', '2099-01-01 00:00:00+00', 'its run ended before it was sent', 0, 'scheduled__13', '2026-11-28 16:31:30.49535+00', 1, 0, 0, NULL, 0),
	(15, 14, 13, 'small.example.com', 1, 12, 'cached', 9, 0, 0, 3, 0, 0, '2026-11-29 16:31:30.521938+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0),
	(16, 15, 14, 'small.example.com', 1, 12, 'cached', 9, 0, 0, 3, 0, 0, '2026-11-29 16:31:30.583739+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0),
	(17, 16, 15, 'small.example.com', 1, 2, 'cached', 2, 0, 0, 0, 0, 0, '2026-11-29 16:31:30.60899+00', '2099-01-01 00:00:00+00', 'today''s quota of 5 for small.example.com is used up', 0, NULL, NULL, NULL, 0, 0, NULL, 0);
INSERT INTO public.erasure OVERRIDING SYSTEM VALUE VALUES
	(1, 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'root (command line)', '2026-11-29 16:31:30.789959+00', '{"groups": {"customers": 1}, "person": "erased:ecf51c5213628f58b567eafa509991b78400d6da", "reports": 0, "messages": 11, "being_sent": 1, "suppressed": false}'),
	(2, 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'root (command line)', '2026-11-29 16:31:30.804144+00', '{"groups": {"customers": 1}, "person": "erased:7f721022a4f23f52f3aabc4a87619c797ebeca99", "reports": 0, "messages": 12, "being_sent": 0, "suppressed": true}');
INSERT INTO public.erasure_key VALUES
	(true, '\xd6d1cdaf7262a66eb1b753258327b40e0cdb2424c15ec8477ae19b5f045971bbd27ee5502cc219087f9e343e958724c1c1c0244b18bb0eed79ea3bab217b6e2c', '\xbe06e65ea9519b23923c1f501fdb8397c6a50196beed65836f141bbad6d17b37ea1e23fad7acef22984cb990464c8c197a56081960037e921c785770d6b82807');
INSERT INTO public.former_edition VALUES
	(3, 1, 'hello', NULL, 'Small <news@small.example.com>', 'ask@example.com', NULL, 'none', '2026-11-29 16:31:30.425103+00', 'root');
INSERT INTO public.group_import VALUES
	('00000000-0000-0000-0000-000000000001', 'appended', 'file-1.csv', 103, 'ann', '2026-11-29 16:31:30.709496+00', 'imported', '2026-11-29 15:31:30.71081+00', '2026-11-29 16:31:30.715453+00', NULL, 103, 3, 2, true, 2, '{name,city}', '[["bad address", 1], ["duplicate address", 1]]', NULL, '{}', NULL, 2, '\x1f8b0800000000000003258c310ec23010047b4bfec375694e14089a547901341474e88857c4927d8e7c8e80b751f024be4004ed68663eaf37b2c4c42a193cc6f664835d2ac48a7a7795c087c24705a7a8a05d4fddca3a9ac4480b0dde89ea70ab65993778489e13f8748f23f8fc2ff63db50964eb9e24840a33b2261a8c8ad24fd97af705362042eb87000000', false, 2, 'ascii', '{}', 0, '[]'),
	('00000000-0000-0000-0000-000000000002', 'appended', 'file-2.csv', 103, 'ann', '2026-11-29 16:31:30.72133+00', 'imported', '2026-11-29 15:31:30.723018+00', '2026-11-29 16:31:30.734384+00', NULL, 103, 3, 2, false, 4, '{name,city}', '[["bad address", 1], ["duplicate address", 1]]', NULL, '{}', NULL, 2, '\x1f8b0800000000000003258c310ec2300c45f748b983b72e160382a5534f000b031b32cd17b59438a88e54381b0347e20a54b03ebdf73eaf378a686693021eb53dd9e19719e2d562b84ae243e5a381b31a68d753b7b28e2671b24a430c6236dc8a4adee021e59ec1a74547f0f95fec7b6a13c8d73d494a33dcc99b5872aa463f651bc3171a29503e87000000', true, 2, 'ascii', '{}', 0, '[]'),
	('00000000-0000-0000-0000-000000000003', 'appended', 'file-3.csv', 13, 'ann', '2026-11-29 16:31:30.745794+00', 'failed', '2026-11-29 15:31:30.746837+00', '2026-11-29 16:31:30.747076+00', NULL, 13, 0, 0, NULL, NULL, NULL, '[]', 'no_address_column', '{"names": "", "columns": "no address"}', 'file-3.csv: line 1: no column is named address, email, e-mail, mail, email_address; name the address column with --address-column (there are: no address)', 0, NULL, false, NULL, NULL, '{}', 0, '[]'),
	('00000000-0000-0000-0000-000000000005', 'appended', 'lost.csv', 1000, 'ann', '2026-11-29 16:31:30.763412+00', 'running', '2026-11-29 15:31:30.763412+00', NULL, 'ben', 500, 7, 0, NULL, NULL, NULL, '[]', NULL, '{}', NULL, 0, NULL, false, NULL, NULL, '{}', 0, '[]'),
	('00000000-0000-0000-0000-000000000004', 'appended', 'file-4.csv', 103, 'ann', '2026-11-29 16:31:30.752292+00', 'stopped', '2026-11-29 15:31:30.754026+00', '2026-11-29 16:31:30.762703+00', 'ben', 103, 3, 2, false, 2, '{name,city}', '[["bad address", 1], ["duplicate address", 1]]', NULL, '{}', NULL, 2, '\x1f8b0800000000000003258c310ec23010047b4bfec375694e14089a547901341474e88857c4927d8e7c8e80b751f024be4004ed68663eaf37b2c4c42a193cc6f664835d2ac48a7a7795c087c24705a7a8a05d4fddca3a9ac4480b0dde89ea70ab65993778489e13f8748f23f8fc2ff63db50964eb9e24840a33b2261a8c8ad24fd97af705362042eb87000000', false, 2, 'ascii', '{}', 0, '[]');
INSERT INTO public.installation VALUES
	(true, '8bc8346dca54', '2026-11-29 16:31:19.135486+00');
INSERT INTO public.message VALUES
	(1, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.247489+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(1, 1, 'sent', 1, 250, 1, '2026-11-29 16:31:19.364824+00', 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', '2.0.0 taken', NULL, NULL),
	(1, 4, 'sent', 1, 250, 1, '2026-11-29 16:31:19.36487+00', 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', '2.0.0 taken', NULL, NULL),
	(1, 5, 'failed', 1, 550, 1, '2026-11-29 16:31:19.364875+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', '5.1.1 no such user', NULL, NULL),
	(1, 6, 'sent', 1, 250, 1, '2026-11-29 16:31:19.368892+00', 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', '2.0.0 taken', NULL, NULL),
	(1, 7, 'sent', 1, 250, 2, '2026-11-29 16:31:19.423794+00', 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', '2.0.0 taken', NULL, NULL),
	(1, 8, 'sent', 1, 250, 2, '2026-11-29 16:31:19.423822+00', 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', '2.0.0 taken', NULL, NULL),
	(1, 10, 'sent', 1, 250, 2, '2026-11-29 16:31:19.423828+00', 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', '2.0.0 taken', NULL, NULL),
	(1, 11, 'sent', 1, 250, 2, '2026-11-29 16:31:19.423832+00', 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', '2.0.0 taken', NULL, NULL),
	(1, 12, 'sent', 1, 250, 2, '2026-11-29 16:31:19.423835+00', 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', '2.0.0 taken', NULL, NULL),
	(2, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.447718+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(2, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.447718+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(2, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(2, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(2, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(2, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(2, 1, 'sent', 1, 250, 3, '2026-11-29 16:31:19.523721+00', 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', '2.0.0 taken', NULL, NULL),
	(2, 4, 'sent', 1, 250, 3, '2026-11-29 16:31:19.523758+00', 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', '2.0.0 taken', NULL, NULL),
	(2, 6, 'sent', 1, 250, 3, '2026-11-29 16:31:19.523762+00', 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', '2.0.0 taken', NULL, NULL),
	(2, 7, 'sent', 1, 250, 3, '2026-11-29 16:31:19.523766+00', 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', '2.0.0 taken', NULL, NULL),
	(1, 2, 'sent', 1, 250, 1, '2026-11-29 16:31:19.364864+00', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(2, 2, 'sent', 1, 250, 3, '2026-11-29 16:31:19.523751+00', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(1, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.247489+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(2, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.447718+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(3, 1, 'queued', 0, NULL, NULL, NULL, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(3, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.548502+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(3, 4, 'queued', 0, NULL, NULL, NULL, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', NULL, NULL, NULL),
	(3, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.548502+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(3, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(3, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(3, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(3, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(3, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(3, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(4, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.592249+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(4, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.592249+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(4, 1, 'failed', 1, 552, 4, '2026-11-29 16:31:19.67513+00', 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', '5.2.2 mailbox full', NULL, NULL),
	(4, 4, 'failed', 1, 552, 4, '2026-11-29 16:31:19.675165+00', 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', '5.2.2 mailbox full', NULL, NULL),
	(4, 6, 'failed', 1, 552, 4, '2026-11-29 16:31:19.675169+00', 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', '5.2.2 mailbox full', NULL, NULL),
	(4, 7, 'sent', 1, 250, 4, '2026-11-29 16:31:19.675173+00', 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', '2.0.0 taken', NULL, NULL),
	(4, 8, 'sent', 1, 250, 4, '2026-11-29 16:31:19.680948+00', 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', '2.0.0 taken', NULL, NULL),
	(4, 10, 'sent', 1, 250, 4, '2026-11-29 16:31:19.680967+00', 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', '2.0.0 taken', NULL, NULL),
	(4, 11, 'sent', 1, 250, 4, '2026-11-29 16:31:19.681281+00', 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', '2.0.0 taken', NULL, NULL),
	(4, 12, 'sent', 1, 250, 4, '2026-11-29 16:31:19.681292+00', 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', '2.0.0 taken', NULL, NULL),
	(5, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.708565+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(5, 1, 'requeued', 1, 552, 5, '2026-11-29 16:31:30.379575+00', 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', '5.2.2 mailbox full', NULL, 550),
	(3, 2, 'queued', 0, NULL, NULL, NULL, 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(4, 2, 'sent', 1, 250, 4, '2026-11-29 16:31:19.675159+00', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(5, 2, 'sent', 1, 250, 5, '2026-11-29 16:31:19.796754+00', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(3, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.548502+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL);
INSERT INTO public.message VALUES
	(4, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.592249+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(5, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.708565+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(5, 7, 'sent', 1, 250, 5, '2026-11-29 16:31:19.796769+00', 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', '2.0.0 taken', NULL, NULL),
	(5, 8, 'sent', 1, 250, 5, '2026-11-29 16:31:19.796772+00', 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', '2.0.0 taken', NULL, NULL),
	(5, 10, 'sent', 1, 250, 5, '2026-11-29 16:31:19.796775+00', 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', '2.0.0 taken', NULL, NULL),
	(5, 11, 'sent', 1, 250, 5, '2026-11-29 16:31:19.79678+00', 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', '2.0.0 taken', NULL, NULL),
	(5, 12, 'sent', 1, 250, 5, '2026-11-29 16:31:19.796784+00', 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', '2.0.0 taken', NULL, NULL),
	(6, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.821785+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(6, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.821785+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(6, 4, 'requeued', 3, 452, 6, '2026-11-29 16:31:29.920778+00', 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', '4.2.2 later', '2026-11-29 16:31:19.894358+00', NULL),
	(6, 6, 'requeued', 3, 452, 6, '2026-11-29 16:31:29.920784+00', 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', '4.2.2 later', '2026-11-29 16:31:19.894358+00', NULL),
	(6, 11, 'sent', 1, 250, 6, '2026-11-29 16:31:19.894093+00', 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', '2.0.0 taken', NULL, NULL),
	(6, 10, 'sent', 1, 250, 6, '2026-11-29 16:31:19.894097+00', 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', '2.0.0 taken', NULL, NULL),
	(6, 8, 'sent', 1, 250, 6, '2026-11-29 16:31:19.894101+00', 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', '2.0.0 taken', NULL, NULL),
	(6, 7, 'sent', 1, 250, 6, '2026-11-29 16:31:19.894104+00', 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', '2.0.0 taken', NULL, NULL),
	(6, 12, 'sent', 1, 250, 6, '2026-11-29 16:31:19.894108+00', 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', '2.0.0 taken', NULL, NULL),
	(7, 1, 'sent', 1, 250, 7, '2026-11-29 16:31:30.006108+00', 'small-1@customers.example', 'small-1@customers.example', '{"name": "Person 1"}', '2.0.0 taken', NULL, NULL),
	(7, 2, 'sent', 1, 250, 7, '2026-11-29 16:31:30.006135+00', 'small-2@customers.example', 'small-2@customers.example', '{"name": "Person 2"}', '2.0.0 taken', NULL, NULL),
	(7, 3, 'sent', 1, 250, 7, '2026-11-29 16:31:30.006141+00', 'small-3@customers.example', 'small-3@customers.example', '{"name": "Person 3"}', '2.0.0 taken', NULL, NULL),
	(5, 4, 'requeued', 1, 552, 5, '2026-11-29 16:31:30.379575+00', 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', '5.2.2 mailbox full', NULL, 552),
	(5, 6, 'requeued', 1, 552, 5, '2026-11-29 16:31:30.379575+00', 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', '5.2.2 mailbox full', NULL, 552),
	(6, 1, 'requeued', 3, 452, 6, '2026-11-29 16:31:29.920757+00', 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', '4.2.2 later', '2026-11-29 16:31:19.891035+00', 550),
	(8, 1, 'sent', 1, 250, 8, '2026-11-29 16:31:30.097273+00', 'small-1@customers.example', 'small-1@customers.example', '{"name": "Person 1"}', '2.0.0 taken', NULL, NULL),
	(8, 2, 'sent', 1, 250, 8, '2026-11-29 16:31:30.0973+00', 'small-2@customers.example', 'small-2@customers.example', '{"name": "Person 2"}', '2.0.0 taken', NULL, NULL),
	(8, 3, 'sent', 1, 250, 8, '2026-11-29 16:31:30.097305+00', 'small-3@customers.example', 'small-3@customers.example', '{"name": "Person 3"}', '2.0.0 taken', NULL, NULL),
	(6, 2, 'sent', 1, 250, 6, '2026-11-29 16:31:19.894065+00', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(5, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.708565+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(6, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:19.821785+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(10, 1, 'sent', 1, 250, 9, '2026-11-29 16:31:30.213063+00', 'small-1@customers.example', 'small-1@customers.example', '{"name": "Person 1"}', '2.0.0 taken', NULL, NULL),
	(10, 2, 'sent', 1, 250, 9, '2026-11-29 16:31:30.213094+00', 'small-2@customers.example', 'small-2@customers.example', '{"name": "Person 2"}', '2.0.0 taken', NULL, NULL),
	(10, 3, 'sent', 1, 250, 9, '2026-11-29 16:31:30.213101+00', 'small-3@customers.example', 'small-3@customers.example', '{"name": "Person 3"}', '2.0.0 taken', NULL, NULL),
	(11, 1, 'sent', 1, 250, 10, '2026-11-29 16:31:30.354986+00', 'small-1@customers.example', 'small-1@customers.example', '{"name": "Person 1"}', '2.0.0 taken', NULL, NULL),
	(11, 2, 'sent', 1, 250, 10, '2026-11-29 16:31:30.355016+00', 'small-2@customers.example', 'small-2@customers.example', '{"name": "Person 2"}', '2.0.0 taken', NULL, NULL),
	(11, 3, 'sent', 1, 250, 10, '2026-11-29 16:31:30.355022+00', 'small-3@customers.example', 'small-3@customers.example', '{"name": "Person 3"}', '2.0.0 taken', NULL, NULL),
	(12, 1, 'queued', 0, NULL, NULL, NULL, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(12, 2, 'queued', 0, NULL, NULL, NULL, 'customers-2@customers.example', 'customers-2@customers.example', '{"name": "Person 2"}', NULL, NULL, NULL),
	(12, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.451571+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(12, 4, 'queued', 0, NULL, NULL, NULL, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', NULL, NULL, NULL),
	(12, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.451571+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(12, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(12, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(12, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(12, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(12, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(12, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(13, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.475307+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(13, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.475307+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(13, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(13, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(13, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL);
INSERT INTO public.message VALUES
	(13, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(13, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(13, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(13, 1, 'unknown', 1, NULL, 12, '2026-11-29 16:31:30.49773+00', 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', 'the sending process died before the outcome was known', NULL, NULL),
	(13, 4, 'unknown', 1, NULL, 12, '2026-11-29 16:31:30.49773+00', 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', 'the sending process died before the outcome was known', NULL, NULL),
	(13, 2, 'unknown', 1, NULL, 12, '2026-11-29 16:31:30.49773+00', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(12, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.451571+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(13, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.475307+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(14, 1, 'queued', 0, NULL, NULL, NULL, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(14, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.501754+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(14, 4, 'queued', 0, NULL, NULL, NULL, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', NULL, NULL, NULL),
	(14, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.501754+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(14, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(14, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(14, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(14, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(14, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(14, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(15, 1, 'queued', 0, NULL, NULL, NULL, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(15, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.529642+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(15, 4, 'queued', 0, NULL, NULL, NULL, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', NULL, NULL, NULL),
	(15, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.529642+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(15, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(15, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(15, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(15, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(15, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(15, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(16, 1, 'queued', 0, NULL, NULL, NULL, 'used-1@customers.example', 'used-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(16, 2, 'queued', 0, NULL, NULL, NULL, 'used-2@customers.example', 'used-2@customers.example', '{"name": "Person 2"}', NULL, NULL, NULL),
	(17, 1, 'queued', 0, NULL, NULL, NULL, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(17, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.615262+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(17, 4, 'queued', 0, NULL, NULL, NULL, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', NULL, NULL, NULL),
	(17, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.615262+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL),
	(17, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(17, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(17, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(17, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(17, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(17, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(14, 2, 'queued', 0, NULL, NULL, NULL, 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(15, 2, 'queued', 0, NULL, NULL, NULL, 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(17, 2, 'queued', 0, NULL, NULL, NULL, 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(14, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.501754+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(15, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.529642+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(17, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.615262+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(18, 1, 'queued', 0, NULL, NULL, NULL, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}', NULL, NULL, NULL),
	(18, 3, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.644758+00', 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}', 'unsubscribe', NULL, NULL),
	(18, 4, 'queued', 0, NULL, NULL, NULL, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}', NULL, NULL, NULL),
	(18, 5, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.644758+00', 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}', 'hard_bounce', NULL, NULL);
INSERT INTO public.message VALUES
	(18, 6, 'queued', 0, NULL, NULL, NULL, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}', NULL, NULL, NULL),
	(18, 7, 'queued', 0, NULL, NULL, NULL, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}', NULL, NULL, NULL),
	(18, 8, 'queued', 0, NULL, NULL, NULL, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}', NULL, NULL, NULL),
	(18, 10, 'queued', 0, NULL, NULL, NULL, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}', NULL, NULL, NULL),
	(18, 11, 'queued', 0, NULL, NULL, NULL, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}', NULL, NULL, NULL),
	(18, 12, 'queued', 0, NULL, NULL, NULL, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}', NULL, NULL, NULL),
	(18, 2, 'queued', 0, NULL, NULL, NULL, 'erased:ecf51c5213628f58b567eafa509991b78400d6da', 'erased:ecf51c5213628f58b567eafa509991b78400d6da', '{}', NULL, NULL, NULL),
	(18, 9, 'suppressed', 0, NULL, NULL, '2026-11-29 16:31:30.644758+00', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', '{}', 'manual', NULL, NULL),
	(19, 1, 'sent', 1, 250, 13, '2026-11-29 16:31:30.927026+00', 'me@x.example', 'me@x.example', '{"name": "Me"}', '2.0.0 taken', NULL, NULL);
INSERT INTO public.occurrence OVERRIDING SYSTEM VALUE VALUES
	(1, 1, 'once', 'scheduled__1', NULL, '2026-11-29 16:31:19.247489+00', NULL, '2026-11-29 16:31:19.247489+00', 12, '2026-11-29 16:31:19.439587+00', 1),
	(2, 2, 'once', 'scheduled__2', NULL, '2026-11-29 16:31:19.447718+00', NULL, '2026-11-29 16:31:19.447718+00', 12, NULL, 1),
	(3, 3, 'once', 'scheduled__3', NULL, '2026-11-29 16:31:19.548502+00', NULL, '2026-11-29 16:31:19.548502+00', 12, NULL, 1),
	(4, 4, 'once', 'scheduled__4', NULL, '2026-11-29 16:31:19.592249+00', NULL, '2026-11-29 16:31:19.592249+00', 12, '2026-11-29 16:31:19.699296+00', 1),
	(6, 6, 'once', 'scheduled__6', NULL, '2026-11-29 16:31:19.821785+00', NULL, '2026-11-29 16:31:19.821785+00', 12, NULL, 1),
	(7, 7, 'slot 2026-01-05T09:00:00+00:00', 'scheduled__7', '2026-01-05 09:00:00+00', '2026-11-29 16:31:29.946474+00', NULL, '2026-11-29 16:31:29.946474+00', 3, '2026-11-29 16:31:30.022036+00', 1),
	(8, 7, 'slot 2026-01-06T09:00:00+00:00', 'scheduled__8', '2026-01-06 09:00:00+00', '2026-11-29 16:31:30.029579+00', NULL, '2026-11-29 16:31:30.029579+00', 3, '2026-11-29 16:31:30.116558+00', 2),
	(9, 8, 'once', 'scheduled__9', '2026-01-05 09:00:00+00', '2026-11-29 16:31:30.126054+00', 'its start at 2026-01-05 09:00 UTC was missed by 328 d 7 h, more than start_grace 1 h; `ses task resume held` or a trigger by hand sends it', NULL, 0, NULL, 1),
	(10, 10, 'run call-1', 'call-1', NULL, '2026-11-29 16:31:30.139358+00', NULL, '2026-11-29 16:31:30.139358+00', 3, '2026-11-29 16:31:30.229219+00', 1),
	(11, 10, 'run call-2', 'call-2', NULL, '2026-11-29 16:31:30.234757+00', NULL, '2026-11-29 16:31:30.234757+00', 3, '2026-11-29 16:31:30.372606+00', 2),
	(5, 5, 'once', 'scheduled__5', NULL, '2026-11-29 16:31:19.708565+00', NULL, '2026-11-29 16:31:19.708565+00', 12, NULL, 1),
	(12, 11, 'once', 'scheduled__12', NULL, '2026-11-29 16:31:30.451571+00', NULL, '2026-11-29 16:31:30.451571+00', 12, NULL, 1),
	(13, 12, 'once', 'scheduled__13', NULL, '2026-11-29 16:31:30.475307+00', NULL, '2026-11-29 16:31:30.475307+00', 12, NULL, 1),
	(14, 13, 'once', 'scheduled__14', NULL, '2026-11-29 16:31:30.501754+00', NULL, '2026-11-29 16:31:30.501754+00', 12, NULL, 1),
	(15, 14, 'once', 'scheduled__15', NULL, '2026-11-29 16:31:30.529642+00', NULL, '2026-11-29 16:31:30.529642+00', 12, NULL, 1),
	(16, 15, 'once', 'scheduled__16', NULL, '2026-11-29 16:31:30.591025+00', NULL, '2026-11-29 16:31:30.591025+00', 2, NULL, 1),
	(17, 16, 'once', 'scheduled__17', NULL, '2026-11-29 16:31:30.615262+00', NULL, '2026-11-29 16:31:30.615262+00', 12, NULL, 1),
	(18, 17, 'once', 'scheduled__18', NULL, '2026-11-29 16:31:30.644758+00', NULL, '2026-11-29 16:31:30.644758+00', 12, NULL, 1),
	(19, 18, 'once', 'cli__2026-11-29T16:31:30_6829cd', NULL, '2026-11-29 16:31:30.873623+00', NULL, '2026-11-29 16:31:30.873623+00', 1, '2026-11-29 16:31:30.942814+00', 1);
INSERT INTO public.quota_day OVERRIDING SYSTEM VALUE VALUES
	(2, 'small.example.com', '2026-08-21 06:00:00+00', '2026-08-22 06:00:00+00', 333, 5, 0, 5),
	(1, 'mail.example.com', '2026-08-21 06:00:00+00', '2026-08-22 06:00:00+00', 333, 1000, 9, 43);
INSERT INTO public.recipient VALUES
	(1, 1, 'customers-1@customers.example', 'customers-1@customers.example', '{"name": "Person 1"}'),
	(1, 3, 'customers-3@customers.example', 'customers-3@customers.example', '{"name": "Person 3"}'),
	(1, 4, 'customers-4@customers.example', 'customers-4@customers.example', '{"name": "Person 4"}'),
	(1, 5, 'customers-5@customers.example', 'customers-5@customers.example', '{"name": "Person 5"}'),
	(1, 6, 'customers-6@customers.example', 'customers-6@customers.example', '{"name": "Person 6"}'),
	(1, 7, 'customers-7@customers.example', 'customers-7@customers.example', '{"name": "Person 7"}'),
	(1, 8, 'customers-8@customers.example', 'customers-8@customers.example', '{"name": "Person 8"}'),
	(1, 10, 'customers-10@customers.example', 'customers-10@customers.example', '{"name": "Person 10"}'),
	(1, 11, 'customers-11@customers.example', 'customers-11@customers.example', '{"name": "Person 11"}'),
	(1, 12, 'customers-12@customers.example', 'customers-12@customers.example', '{"name": "Person 12"}'),
	(2, 1, 'small-1@customers.example', 'small-1@customers.example', '{"name": "Person 1"}'),
	(2, 2, 'small-2@customers.example', 'small-2@customers.example', '{"name": "Person 2"}'),
	(2, 3, 'small-3@customers.example', 'small-3@customers.example', '{"name": "Person 3"}'),
	(4, 2, 'ann@group.example', 'ann@group.example', '{"city": "Oslo", "name": "Ann"}'),
	(4, 3, 'ben@group.example', 'ben@group.example', '{"city": null, "name": "Ben"}');
INSERT INTO public.recipient_group OVERRIDING SYSTEM VALUE VALUES
	(2, 'small', '', '{name}', 3, '2026-11-29 16:31:19.215679+00', '2026-11-29 16:31:19.215679+00', false, NULL, NULL, NULL),
	(4, 'appended', '', '{name,city}', 2, '2026-11-29 16:31:30.71081+00', '2026-11-29 16:31:30.754026+00', true, '{city}', '{}', NULL),
	(1, 'customers', '', '{name}', 10, '2026-11-29 16:31:19.214153+00', '2026-11-29 16:31:19.214153+00', false, NULL, NULL, NULL);
INSERT INTO public.send_task OVERRIDING SYSTEM VALUE VALUES
	(1, 'finished', 'immediate', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'before', '01:00:00', 'hold', '2026-11-29 16:31:19.245524+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, '2026-11-29 16:31:19.439587+00', NULL, NULL, NULL, 1, NULL, '{Marketing,日本語}'),
	(2, 'over-quota', 'immediate', 'hello', NULL, 'Small <news@small.example.com>', 'small.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, 'ask@example.com', 'https://x.example/{{ name }}', 'none', '01:00:00', 'hold', '2026-11-29 16:31:19.446955+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(7, 'daily', 'recurring', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 2, '2026-01-05 09:00:00+00', 'UTC', '1d', NULL, '2026-01-07 09:00:00+00', NULL, NULL, 'none', '99 years', 'hold', '2026-01-05 09:00:00+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 'Hello Person 1', '{}'),
	(8, 'held', 'scheduled', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 2, '2026-01-05 09:00:00+00', 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-01-05 09:00:00+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(9, 'later', 'scheduled', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 2, '2099-01-01 00:00:00+00', 'Asia/Tokyo', NULL, NULL, NULL, NULL, NULL, 'none', '02:00:00', 'hold', '2026-11-29 16:31:30.137895+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(4, 'refused', 'immediate', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:19.590717+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, '2026-11-29 16:31:19.699296+00', NULL, NULL, NULL, 1, NULL, '{}'),
	(10, 'by-call', 'triggered', 'hello', 'Called {{ name }}', 'Example <news@mail.example.com>', 'mail.example.com', 2, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'resend', '2026-11-29 16:31:30.138794+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 'Called Person 1', '{}'),
	(5, 'retried', 'immediate', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:19.707951+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(3, 'edited', 'immediate', 'hello', 'Corrected {{ name }}', 'Small <news@small.example.com>', 'small.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, 'ask@example.com', NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:19.547849+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2, NULL, '{}'),
	(6, 'deferred', 'immediate', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:19.820046+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(11, 'interrupted', 'immediate', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.450682+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(12, 'in-doubt', 'immediate', 'hello', NULL, 'Example <news@mail.example.com>', 'mail.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.474713+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(15, 'deleted', 'immediate', 'hello', NULL, 'Small <news@small.example.com>', 'small.example.com', NULL, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.590376+00', '2026-01-02 03:04:05+00', NULL, NULL, '2026-11-29 16:31:30.689995+00', '2026-11-29 16:31:30.693188+00', NULL, NULL, NULL, 'cancelled by ann at 2026-11-29 16:31 UTC', 1, 'Hello Person 1', '{}'),
	(13, 'paused', 'immediate', 'hello', NULL, 'Small <news@small.example.com>', 'small.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.501179+00', '2026-01-02 03:04:05+00', '2026-11-29 16:31:30.668525+00', 'paused by ann', NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(14, 'cancelled', 'immediate', 'hello', NULL, 'Small <news@small.example.com>', 'small.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.529043+00', '2026-01-02 03:04:05+00', NULL, NULL, '2026-11-29 16:31:30.685666+00', NULL, NULL, NULL, NULL, 'cancelled by ann at 2026-11-29 16:31 UTC', 1, NULL, '{}'),
	(16, 'in-error', 'immediate', 'hello', NULL, 'Small <news@small.example.com>', 'small.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.614661+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, 'nothing can be sent from ''small.example.com'': there is no entry', '2026-11-29 16:31:30.703963+00', NULL, 1, NULL, '{}'),
	(17, 'resumed', 'immediate', 'hello', NULL, 'Small <news@small.example.com>', 'small.example.com', 1, NULL, 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.644177+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '{}'),
	(18, 'test-send cli__2026-11-29T16:31:30_6829cd', 'test', 'hello', NULL, 'a@mail.example.com', 'mail.example.com', NULL, '2026-11-29 16:31:30.875011+00', 'UTC', NULL, NULL, NULL, NULL, NULL, 'none', '01:00:00', 'hold', '2026-11-29 16:31:30.873623+00', '2026-01-02 03:04:05+00', NULL, NULL, NULL, NULL, '2026-11-29 16:31:30.942814+00', NULL, NULL, NULL, 1, NULL, '{}');
INSERT INTO public.sender_domain VALUES
	('mail.example.com', NULL, NULL),
	('small.example.com', NULL, NULL);
INSERT INTO public.ses_schema_version VALUES
	('0017');
INSERT INTO public.suppression VALUES
	('later@x.example', 'later@x.example', 'manual', 'until', '2026-11-29 16:31:19.241754+00', '2099-01-31 00:00:00+00', 'root (command line)'),
	('customers-5@customers.example', 'customers-5@customers.example', 'hard_bounce', '550 5.1.1 no such user (send task finished)', '2026-11-29 16:31:19.380358+00', NULL, ''),
	('new@list.example', 'new@list.example', 'unsubscribe', '', '2026-11-29 16:31:30.764551+00', NULL, 'ann'),
	('erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'erased:7f721022a4f23f52f3aabc4a87619c797ebeca99', 'manual', '', '2026-11-29 16:31:19.235423+00', NULL, ''),
	('customers-3@customers.example', 'customers-3@customers.example', 'unsubscribe', '', '2026-11-29 16:31:19.227926+00', '2026-01-01 00:00:00+00', 'root (command line)'),
	('customers-2@customers.example', 'customers-2@customers.example', 'manual', 'being erased', '2026-11-29 16:31:30.789959+00', '2099-01-31 00:00:00+00', '');
INSERT INTO public.suppression_report VALUES
	('00000000-0000-0000-0000-000000000006', 'file-6.csv', 'ann', '2026-11-29 16:31:30.764551+00', 2, 1, '[["bad address", 1], ["bad reason", 1]]', 2, '\x1f8b0800000000000003258b310ec2300c45f74ab983d5258bc5040b536f52398911911207c58d54cec6c091b8022e6cff3dbdff79bdb9522ed899b4092aebfa9f6e0a94104b1686f315bc91873b294883c54df1b9ec27dea93e0a631f8971fea5174b0ff4908f748366b2ddecd9d31ada90c808b1d98db26c084374048d3d07f395645099ddf4055c68b76c97000000'),
	('00000000-0000-0000-0000-000000000007', 'file-7.csv', 'ann', '2026-11-29 16:31:30.772459+00', 0, 0, '[["bad address", 1]]', 1, '\x1f8b08000000000000037bbf7b7f6a6e62668e4e516a62717e9e4e716a713c84c9cb959498a2a393939997aa6064a5a00ee4a92b6424162be4e52b38f07201002e89474c39000000');
INSERT INTO public.task_pause VALUES
	(13, '2026-11-29 16:31:30.668525+00', NULL),
	(17, '2026-11-29 16:31:30.673843+00', '2026-11-29 16:31:30.678874+00');
SELECT pg_catalog.setval('public.attempt_id_seq', 13, true);
SELECT pg_catalog.setval('public.chunk_id_seq', 20, true);
SELECT pg_catalog.setval('public.erasure_id_seq', 2, true);
SELECT pg_catalog.setval('public.occurrence_id_seq', 19, true);
SELECT pg_catalog.setval('public.quota_day_id_seq', 18, true);
SELECT pg_catalog.setval('public.recipient_group_id_seq', 6, true);
SELECT pg_catalog.setval('public.send_task_id_seq', 18, true);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.chunk
    ADD CONSTRAINT chunk_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.erasure_key
    ADD CONSTRAINT erasure_key_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.former_edition
    ADD CONSTRAINT former_edition_pkey PRIMARY KEY (task_id, edition);
ALTER TABLE ONLY public.group_import
    ADD CONSTRAINT group_import_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (occurrence_id, seq);
ALTER TABLE ONLY public.occurrence
    ADD CONSTRAINT occurrence_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.occurrence
    ADD CONSTRAINT occurrence_task_id_key_key UNIQUE (task_id, key);
ALTER TABLE ONLY public.quota_day
    ADD CONSTRAINT quota_day_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.quota_day
    ADD CONSTRAINT quota_day_sender_domain_starts_at_ends_at_key UNIQUE (sender_domain, starts_at, ends_at);
ALTER TABLE ONLY public.recipient_group
    ADD CONSTRAINT recipient_group_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.send_task
    ADD CONSTRAINT send_task_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sender_domain
    ADD CONSTRAINT sender_domain_pkey PRIMARY KEY (domain);
ALTER TABLE ONLY public.ses_schema_version
    ADD CONSTRAINT ses_schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.suppression
    ADD CONSTRAINT suppression_pkey PRIMARY KEY (address_key);
ALTER TABLE ONLY public.suppression_report
    ADD CONSTRAINT suppression_report_pkey PRIMARY KEY (id);
CREATE INDEX attempt_live ON public.attempt USING btree (heartbeat_at) WHERE (ended_at IS NULL);
CREATE INDEX attempt_of_chunk ON public.attempt USING btree (chunk_id);
CREATE INDEX attempt_started ON public.attempt USING btree (started_at);
CREATE INDEX chunk_of_task ON public.chunk USING btree (task_id, occurrence_id, first_seq);
CREATE INDEX chunk_open ON public.chunk USING btree (run_id) WHERE (state = 'reserved'::public.chunk_state);
CREATE INDEX chunk_tried ON public.chunk USING btree (reserved_at);
CREATE INDEX chunk_waiting ON public.chunk USING btree (sender_domain, cached_at) WHERE (state = 'cached'::public.chunk_state);
CREATE INDEX group_import_of_group ON public.group_import USING btree (group_name, started_at DESC);
CREATE INDEX group_import_started ON public.group_import USING btree (started_at);
CREATE INDEX message_address_key ON public.message USING btree (address_key);
CREATE INDEX occurrence_open ON public.occurrence USING btree (task_id) WHERE (finished_at IS NULL);
CREATE UNIQUE INDEX recipient_group_name ON public.recipient_group USING btree (name) WHERE (deleted_at IS NULL);
CREATE INDEX recipient_of_group ON public.recipient USING btree (group_id, "position");
CREATE UNIQUE INDEX send_task_name ON public.send_task USING btree (name) WHERE (deleted_at IS NULL);
CREATE INDEX suppression_erased ON public.suppression USING btree (address_key) WHERE starts_with(address_key, 'erased:'::text);
CREATE INDEX suppression_newest ON public.suppression USING btree (created_at DESC, address_key);
CREATE INDEX suppression_report_made ON public.suppression_report USING btree (made_at);
CREATE INDEX task_pause_of_task ON public.task_pause USING btree (task_id, paused_at);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_chunk_id_fkey FOREIGN KEY (chunk_id) REFERENCES public.chunk(id);
ALTER TABLE ONLY public.chunk
    ADD CONSTRAINT chunk_occurrence_id_fkey FOREIGN KEY (occurrence_id) REFERENCES public.occurrence(id);
ALTER TABLE ONLY public.chunk
    ADD CONSTRAINT chunk_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.send_task(id);
ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_occurrence_id_fkey FOREIGN KEY (occurrence_id) REFERENCES public.occurrence(id);
ALTER TABLE ONLY public.occurrence
    ADD CONSTRAINT occurrence_task_id_fkey FOREIGN KEY (task_id) REFERENCES public.send_task(id);
ALTER TABLE ONLY public.quota_day
    ADD CONSTRAINT quota_day_sender_domain_fkey FOREIGN KEY (sender_domain) REFERENCES public.sender_domain(domain);
ALTER TABLE ONLY public.send_task
    ADD CONSTRAINT send_task_group_id_fkey FOREIGN KEY (group_id) REFERENCES public.recipient_group(id);
