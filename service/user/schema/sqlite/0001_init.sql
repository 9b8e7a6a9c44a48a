-- +goose Up

-- Persons. *_sealed columns hold vault ciphertext under the person's "identity" key. state: registered, identified, closed.
-- identity_state: '' (nothing stated), CHECKING, VERIFIED, REFUSED.
CREATE TABLE person (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(length(state) <= 16),
  mobile_sealed BLOB NOT NULL CHECK(length(mobile_sealed) <= 200),
  name_sealed BLOB NOT NULL CHECK(length(name_sealed) <= 400),
  id_no_sealed BLOB NOT NULL CHECK(length(id_no_sealed) <= 200),
  address_sealed BLOB NOT NULL CHECK(length(address_sealed) <= 1000),
  mobile_token TEXT NOT NULL CHECK(length(mobile_token) <= 40),
  device_token TEXT NOT NULL CHECK(length(device_token) <= 40),
  address_token TEXT NOT NULL CHECK(length(address_token) <= 40),
  identity_state TEXT NOT NULL CHECK(length(identity_state) <= 16),
  identity_reason TEXT NOT NULL CHECK(length(identity_reason) <= 40),
  registered_ms INTEGER NOT NULL,
  identified_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;

-- Data keys, wrapped by the key-encryption key. An erased class keeps its row without the key.
CREATE TABLE keyset (
  bucket INTEGER NOT NULL,
  owner_id INTEGER NOT NULL,
  class TEXT NOT NULL CHECK(length(class) <= 20),
  wrapped BLOB NOT NULL CHECK(length(wrapped) <= 2000),
  created_ms INTEGER NOT NULL,
  erased_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, owner_id, class)
) STRICT, WITHOUT ROWID;

-- What is unique over all users, by blind index; the bucket is the hash of field and index. field: mobile, id_no, card_no.
CREATE TABLE reservation (
  bucket INTEGER NOT NULL,
  field TEXT NOT NULL CHECK(length(field) <= 16),
  idx TEXT NOT NULL CHECK(length(idx) <= 64),
  user_id INTEGER NOT NULL,
  ref_id INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(length(state) <= 16),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, field, idx)
) STRICT, WITHOUT ROWID;

-- Random ids that stand for values in events; the bucket is the hash of kind and index.
CREATE TABLE token (
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 16),
  idx TEXT NOT NULL CHECK(length(idx) <= 64),
  token TEXT NOT NULL CHECK(length(token) <= 40),
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, idx)
) STRICT, WITHOUT ROWID;

-- Who holds a value; its token goes with the last holder.
CREATE TABLE token_holder (
  bucket INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 16),
  idx TEXT NOT NULL CHECK(length(idx) <= 64),
  user_id INTEGER NOT NULL,
  PRIMARY KEY (bucket, kind, idx, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_holder_user ON token_holder (user_id);

-- One-time codes; the bucket is the hash of the mobile's index. state: live, used, spent, replaced. Times are real.
CREATE TABLE code (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  purpose TEXT NOT NULL CHECK(length(purpose) <= 16),
  mobile_idx TEXT NOT NULL CHECK(length(mobile_idx) <= 64),
  digest BLOB NOT NULL CHECK(length(digest) <= 32),
  state TEXT NOT NULL CHECK(length(state) <= 16),
  tries INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX code_mobile ON code (bucket, mobile_idx, purpose, state);
CREATE INDEX code_expires ON code (expires_ms);

-- Uses per window of real time; the bucket is the hash of the name, which holds a blind index, never a value.
CREATE TABLE counter (
  bucket INTEGER NOT NULL,
  name TEXT NOT NULL CHECK(length(name) <= 100),
  window_ms INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, name, window_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX counter_ends ON counter (ends_ms);

-- Sessions of borrowers and staff. Of the token only the SHA-256 is kept. Times are real; ended_ms is 0 while it lives.
CREATE TABLE session (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(length(kind) <= 16),
  owner_id INTEGER NOT NULL,
  token_hash BLOB NOT NULL CHECK(length(token_hash) <= 32),
  device TEXT NOT NULL CHECK(length(device) <= 100),
  device_token TEXT NOT NULL CHECK(length(device_token) <= 40),
  created_ms INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  end_reason TEXT NOT NULL CHECK(length(end_reason) <= 40),
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, token_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_owner ON session (bucket, owner_id, ended_ms);

-- Every text that was ever in force, with its hash.
CREATE TABLE document (
  name TEXT NOT NULL CHECK(length(name) <= 40),
  doc_version TEXT NOT NULL CHECK(length(doc_version) <= 20),
  language TEXT NOT NULL CHECK(length(language) <= 2),
  purpose TEXT NOT NULL CHECK(length(purpose) <= 40),
  title TEXT NOT NULL CHECK(length(title) <= 200),
  body TEXT NOT NULL CHECK(length(body) <= 12000),
  hash TEXT NOT NULL CHECK(length(hash) <= 64),
  effective_on TEXT NOT NULL CHECK(length(effective_on) <= 10),
  PRIMARY KEY (name, doc_version, language)
) STRICT, WITHOUT ROWID;

-- Consents. ended is 0 while one lives and its own id afterwards, so that one document has one live consent.
CREATE TABLE consent (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  document TEXT NOT NULL CHECK(length(document) <= 40),
  doc_version TEXT NOT NULL CHECK(length(doc_version) <= 20),
  purpose TEXT NOT NULL CHECK(length(purpose) <= 40),
  hash TEXT NOT NULL CHECK(length(hash) <= 64),
  channel TEXT NOT NULL CHECK(length(channel) <= 16),
  session_id INTEGER NOT NULL,
  given_ms INTEGER NOT NULL,
  withdrawn_ms INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, user_id, document, ended)
) STRICT, WITHOUT ROWID;

-- Bank cards. state: CHECKING, VERIFIED, REFUSED, UNBOUND. The sealed values go when a card is refused or unbound.
CREATE TABLE card (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  number_sealed BLOB NOT NULL CHECK(length(number_sealed) <= 200),
  mobile_sealed BLOB NOT NULL CHECK(length(mobile_sealed) <= 200),
  bank TEXT NOT NULL CHECK(length(bank) <= 16),
  last4 TEXT NOT NULL CHECK(length(last4) <= 4),
  token TEXT NOT NULL CHECK(length(token) <= 40),
  state TEXT NOT NULL CHECK(length(state) <= 16),
  reason TEXT NOT NULL CHECK(length(reason) <= 40),
  is_default INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  verified_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_user ON card (bucket, user_id);

-- Questions put to identity channels, with the answer. The id is the request id the party sees.
CREATE TABLE identity_check (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  card_id INTEGER NOT NULL,
  first INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK(length(channel) <= 32),
  state TEXT NOT NULL CHECK(length(state) <= 16),
  code TEXT NOT NULL CHECK(length(code) <= 16),
  reason TEXT NOT NULL CHECK(length(reason) <= 40),
  asked_ms INTEGER NOT NULL,
  answered_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_check_card ON identity_check (bucket, card_id);

-- Every look at a value or hand-out of a key: who, for what.
CREATE TABLE access (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  act TEXT NOT NULL CHECK(length(act) <= 16),
  service TEXT NOT NULL CHECK(length(service) <= 32),
  staff_id INTEGER NOT NULL,
  purpose TEXT NOT NULL CHECK(length(purpose) <= 40),
  fields TEXT NOT NULL CHECK(length(fields) <= 100),
  subject_id INTEGER NOT NULL,
  PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_user ON access (bucket, user_id, at_ms);

-- Members of staff; the bucket is the hash of the login. The TOTP secret is sealed by the member's "staff" key.
-- totp_step is the last time step whose code was used. state: active, disabled. Lock times are real.
CREATE TABLE staff (
  bucket INTEGER NOT NULL,
  id INTEGER NOT NULL,
  login TEXT NOT NULL CHECK(length(login) <= 100),
  display_name TEXT NOT NULL CHECK(length(display_name) <= 50),
  password TEXT NOT NULL CHECK(length(password) <= 200),
  totp_sealed BLOB NOT NULL CHECK(length(totp_sealed) <= 200),
  totp_step INTEGER NOT NULL,
  roles TEXT NOT NULL CHECK(length(roles) <= 200),
  state TEXT NOT NULL CHECK(length(state) <= 16),
  failures INTEGER NOT NULL,
  locked_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  last_login_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, login)
) STRICT, WITHOUT ROWID;
