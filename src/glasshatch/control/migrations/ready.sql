CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE actors (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	name TEXT NOT NULL, 
	roles TEXT NOT NULL, 
	on_behalf_of TEXT, 
	disabled BIGINT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_actors PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_actors_tenant_name UNIQUE (tenant, name), 
	CONSTRAINT fk_actors_tenant_on_behalf_of FOREIGN KEY(tenant, on_behalf_of) REFERENCES actors (tenant, id)
);
CREATE TABLE tokens (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	actor_id TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	label TEXT NOT NULL, 
	issued_by TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	expires_ns BIGINT NOT NULL, 
	revoked_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_tokens PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_tokens_tenant_actor_id FOREIGN KEY(tenant, actor_id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_tokens_tenant_actor_id ON tokens (tenant, actor_id);
CREATE TABLE requests (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	actor_id TEXT NOT NULL, 
	on_behalf_of TEXT, 
	resource TEXT NOT NULL, 
	verbs TEXT NOT NULL, 
	duration_ns BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	ticket TEXT NOT NULL, 
	state TEXT NOT NULL, 
	approvals BIGINT NOT NULL, 
	reviewed BIGINT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	expires_ns BIGINT NOT NULL, 
	closed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_requests PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_requests_tenant_actor_id FOREIGN KEY(tenant, actor_id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_requests_tenant_state_expires_ns ON requests (tenant, state, expires_ns);
CREATE TABLE reviews (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	reviewer_id TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	comment TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_reviews PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_reviews_tenant_request_id_reviewer_id UNIQUE (tenant, request_id, reviewer_id), 
	CONSTRAINT fk_reviews_tenant_request_id FOREIGN KEY(tenant, request_id) REFERENCES requests (tenant, id), 
	CONSTRAINT fk_reviews_tenant_reviewer_id FOREIGN KEY(tenant, reviewer_id) REFERENCES actors (tenant, id)
);
CREATE TABLE grants (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	request_id TEXT, 
	actor_id TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	verbs TEXT NOT NULL, 
	approvers TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	ticket TEXT NOT NULL, 
	starts_ns BIGINT NOT NULL, 
	expires_ns BIGINT NOT NULL, 
	revoked_ns BIGINT NOT NULL, 
	revoked_by TEXT NOT NULL, 
	expiry_recorded BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_grants_tenant_request_id UNIQUE (tenant, request_id), 
	CONSTRAINT fk_grants_tenant_request_id FOREIGN KEY(tenant, request_id) REFERENCES requests (tenant, id), 
	CONSTRAINT fk_grants_tenant_actor_id FOREIGN KEY(tenant, actor_id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_grants_tenant_actor_id_expires_ns ON grants (tenant, actor_id, expires_ns);
CREATE INDEX ix_grants_tenant_expiry_recorded_expires_ns ON grants (tenant, expiry_recorded, expires_ns);
CREATE TABLE heads (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	rows BIGINT NOT NULL, 
	nonce TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_heads PRIMARY KEY (tenant, id)
);
CREATE TABLE subject_keys (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	wrapping_key TEXT NOT NULL, 
	wrapped TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	erased_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_subject_keys PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_subject_keys_tenant_subject ON subject_keys (tenant, subject);
CREATE TABLE sealed_values (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	ledger TEXT NOT NULL, 
	at_size BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_sealed_values PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_sealed_values_tenant_key_id ON sealed_values (tenant, key_id);
CREATE INDEX ix_sealed_values_tenant_subject ON sealed_values (tenant, subject);
CREATE INDEX ix_sealed_values_tenant_ledger_at_size ON sealed_values (tenant, ledger, at_size);
CREATE TABLE vault_marks (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	at_size BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_vault_marks PRIMARY KEY (tenant, id)
);
CREATE TABLE erasures (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	subjects TEXT NOT NULL, 
	key_ids TEXT NOT NULL, 
	erased_by TEXT NOT NULL, 
	at_sizes TEXT NOT NULL, 
	sealed BIGINT NOT NULL, 
	done_ns BIGINT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_erasures PRIMARY KEY (tenant, id)
);
CREATE TABLE holds (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	subjects TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	ticket TEXT NOT NULL, 
	placed_by TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	released_ns BIGINT NOT NULL, 
	released_by TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_holds PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_holds_tenant_released_ns ON holds (tenant, released_ns);
CREATE TABLE statements (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	text TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	shown TEXT NOT NULL, 
	shape TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	verbs TEXT NOT NULL, 
	tables TEXT NOT NULL, 
	risks TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	near_masked BIGINT NOT NULL, 
	preview TEXT NOT NULL, 
	undoes TEXT NOT NULL, 
	run_event TEXT NOT NULL, 
	image_event TEXT NOT NULL, 
	image_why TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_statements PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_statements_tenant_request_id UNIQUE (tenant, request_id), 
	CONSTRAINT fk_statements_tenant_request_id FOREIGN KEY(tenant, request_id) REFERENCES requests (tenant, id)
);
CREATE INDEX ix_statements_tenant_state ON statements (tenant, state);
CREATE TABLE credentials (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	password TEXT NOT NULL, 
	totp TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	totp_step BIGINT NOT NULL, 
	recovery TEXT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_credentials PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_credentials_tenant_id FOREIGN KEY(tenant, id) REFERENCES actors (tenant, id)
);
CREATE TABLE attempts (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	failures BIGINT NOT NULL, 
	last_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_attempts PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_attempts_tenant_id FOREIGN KEY(tenant, id) REFERENCES actors (tenant, id)
);
CREATE TABLE links (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	subject TEXT, 
	external_id TEXT, 
	groups TEXT NOT NULL, 
	refresh TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	refresh_ns BIGINT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_links PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_links_tenant_provider_subject UNIQUE (tenant, provider, subject), 
	CONSTRAINT fk_links_tenant_id FOREIGN KEY(tenant, id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_links_tenant_refresh_ns ON links (tenant, refresh_ns);
CREATE TABLE certificates (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	actor_id TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	label TEXT NOT NULL, 
	issued_by TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	expires_ns BIGINT NOT NULL, 
	revoked_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_certificates PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_certificates_tenant_actor_id FOREIGN KEY(tenant, actor_id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_certificates_tenant_actor_id ON certificates (tenant, actor_id);
CREATE TABLE authorities (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	certificate TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_authorities PRIMARY KEY (tenant, id)
);
CREATE TABLE reveals (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	shown TEXT NOT NULL, 
	shape TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	columns TEXT NOT NULL, 
	tables TEXT NOT NULL, 
	subjects TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	event TEXT NOT NULL, 
	why TEXT NOT NULL, 
	state TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_reveals PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_reveals_tenant_request_id UNIQUE (tenant, request_id), 
	CONSTRAINT fk_reveals_tenant_request_id FOREIGN KEY(tenant, request_id) REFERENCES requests (tenant, id)
);
CREATE INDEX ix_reveals_tenant_state ON reveals (tenant, state);
CREATE TABLE groups (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	name TEXT NOT NULL, 
	folded TEXT NOT NULL, 
	external_id TEXT, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_groups PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_groups_tenant_provider_folded UNIQUE (tenant, provider, folded)
);
CREATE TABLE memberships (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	group_id TEXT NOT NULL, 
	actor_id TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_memberships PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_memberships_tenant_group_id FOREIGN KEY(tenant, group_id) REFERENCES groups (tenant, id), 
	CONSTRAINT fk_memberships_tenant_actor_id FOREIGN KEY(tenant, actor_id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_memberships_tenant_actor_id ON memberships (tenant, actor_id);
CREATE INDEX ix_memberships_tenant_group_id ON memberships (tenant, group_id);
CREATE TABLE aliases (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	namespace TEXT NOT NULL, 
	principal TEXT NOT NULL, 
	feed TEXT NOT NULL, 
	actor_id TEXT NOT NULL, 
	asserted TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	since_ns BIGINT NOT NULL, 
	until_ns BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	ended_by TEXT NOT NULL, 
	ended_why TEXT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_aliases_tenant_actor_id FOREIGN KEY(tenant, actor_id) REFERENCES actors (tenant, id)
);
CREATE INDEX ix_aliases_tenant_namespace_principal ON aliases (tenant, namespace, principal);
CREATE TABLE incidents (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	title TEXT NOT NULL, 
	severity BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	assignee TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	alert TEXT NOT NULL, 
	subjects TEXT NOT NULL, 
	runbook TEXT NOT NULL, 
	questions TEXT NOT NULL, 
	entries BIGINT NOT NULL, 
	created_by TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_incidents PRIMARY KEY (tenant, id)
);
CREATE INDEX ix_incidents_tenant_number ON incidents (tenant, number);
CREATE INDEX ix_incidents_tenant_status ON incidents (tenant, status);
CREATE TABLE incident_entries (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	incident_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	about TEXT NOT NULL, 
	place TEXT NOT NULL, 
	text TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	by_name TEXT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_incident_entries PRIMARY KEY (tenant, id), 
	CONSTRAINT fk_incident_entries_tenant_incident_id FOREIGN KEY(tenant, incident_id) REFERENCES incidents (tenant, id)
);
CREATE INDEX ix_incident_entries_tenant_incident_id ON incident_entries (tenant, incident_id);
CREATE TABLE searches (
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	"query" TEXT NOT NULL, 
	note TEXT NOT NULL, 
	owner_id TEXT NOT NULL, 
	shared BIGINT NOT NULL, 
	created_ns BIGINT NOT NULL, 
	changed_ns BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	mac TEXT NOT NULL, 
	CONSTRAINT pk_searches PRIMARY KEY (tenant, id), 
	CONSTRAINT uq_searches_tenant_owner_id_name UNIQUE (tenant, owner_id, name)
);
INSERT INTO alembic_version VALUES ('0008');
