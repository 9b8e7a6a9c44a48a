-- +goose Up

-- Persons. *_sealed columns hold vault ciphertext under the person's "identity" key. state: registered, identified, closed.
-- identity_state: '' (nothing stated), CHECKING, VERIFIED, REFUSED.
CREATE TABLE person (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  mobile_sealed VARBINARY(200) NOT NULL,
  name_sealed VARBINARY(400) NOT NULL,
  id_no_sealed VARBINARY(200) NOT NULL,
  address_sealed VARBINARY(1000) NOT NULL,
  mobile_token VARCHAR(40) NOT NULL,
  device_token VARCHAR(40) NOT NULL,
  address_token VARCHAR(40) NOT NULL,
  identity_state VARCHAR(16) NOT NULL,
  identity_reason VARCHAR(40) NOT NULL,
  registered_ms BIGINT NOT NULL,
  identified_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Data keys, wrapped by the key-encryption key. An erased class keeps its row without the key.
CREATE TABLE keyset (
  bucket BIGINT NOT NULL,
  owner_id BIGINT NOT NULL,
  class VARCHAR(20) NOT NULL,
  wrapped VARBINARY(2000) NOT NULL,
  created_ms BIGINT NOT NULL,
  erased_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, owner_id, class)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What is unique over all users, by blind index; the bucket is the hash of field and index. field: mobile, id_no, card_no.
CREATE TABLE reservation (
  bucket BIGINT NOT NULL,
  field VARCHAR(16) NOT NULL,
  idx VARCHAR(64) NOT NULL,
  user_id BIGINT NOT NULL,
  ref_id BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, field, idx)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Random ids that stand for values in events; the bucket is the hash of kind and index.
CREATE TABLE token (
  bucket BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  idx VARCHAR(64) NOT NULL,
  token VARCHAR(40) NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, idx)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who holds a value; its token goes with the last holder.
CREATE TABLE token_holder (
  bucket BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  idx VARCHAR(64) NOT NULL,
  user_id BIGINT NOT NULL,
  PRIMARY KEY (bucket, kind, idx, user_id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX token_holder_user ON token_holder (user_id);

-- One-time codes; the bucket is the hash of the mobile's index. state: live, used, spent, replaced. Times are real.
CREATE TABLE code (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  purpose VARCHAR(16) NOT NULL,
  mobile_idx VARCHAR(64) NOT NULL,
  digest VARBINARY(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  tries BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX code_mobile ON code (bucket, mobile_idx, purpose, state);
CREATE INDEX code_expires ON code (expires_ms);

-- Uses per window of real time; the bucket is the hash of the name, which holds a blind index, never a value.
CREATE TABLE counter (
  bucket BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  window_ms BIGINT NOT NULL,
  uses BIGINT NOT NULL,
  ends_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, name, window_ms)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX counter_ends ON counter (ends_ms);

-- Sessions of borrowers and staff. Of the token only the SHA-256 is kept. Times are real; ended_ms is 0 while it lives.
CREATE TABLE session (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  owner_id BIGINT NOT NULL,
  token_hash VARBINARY(32) NOT NULL,
  device VARCHAR(100) NOT NULL,
  device_token VARCHAR(40) NOT NULL,
  created_ms BIGINT NOT NULL,
  seen_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL,
  end_reason VARCHAR(40) NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, token_hash)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX session_owner ON session (bucket, owner_id, ended_ms);

-- Every text that was ever in force, with its hash.
CREATE TABLE document (
  name VARCHAR(40) NOT NULL,
  doc_version VARCHAR(20) NOT NULL,
  language VARCHAR(2) NOT NULL,
  purpose VARCHAR(40) NOT NULL,
  title VARCHAR(200) NOT NULL,
  body VARCHAR(12000) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  effective_on VARCHAR(10) NOT NULL,
  PRIMARY KEY (name, doc_version, language)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Consents. ended is 0 while one lives and its own id afterwards, so that one document has one live consent.
CREATE TABLE consent (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  document VARCHAR(40) NOT NULL,
  doc_version VARCHAR(20) NOT NULL,
  purpose VARCHAR(40) NOT NULL,
  hash VARCHAR(64) NOT NULL,
  channel VARCHAR(16) NOT NULL,
  session_id BIGINT NOT NULL,
  given_ms BIGINT NOT NULL,
  withdrawn_ms BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, user_id, document, ended)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Bank cards. state: CHECKING, VERIFIED, REFUSED, UNBOUND. The sealed values go when a card is refused or unbound.
CREATE TABLE card (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  number_sealed VARBINARY(200) NOT NULL,
  mobile_sealed VARBINARY(200) NOT NULL,
  bank VARCHAR(16) NOT NULL,
  last4 VARCHAR(4) NOT NULL,
  token VARCHAR(40) NOT NULL,
  state VARCHAR(16) NOT NULL,
  reason VARCHAR(40) NOT NULL,
  is_default BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  verified_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX card_user ON card (bucket, user_id);

-- Questions put to identity channels, with the answer. The id is the request id the party sees.
CREATE TABLE identity_check (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  card_id BIGINT NOT NULL,
  first BIGINT NOT NULL,
  channel VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  code VARCHAR(16) NOT NULL,
  reason VARCHAR(40) NOT NULL,
  asked_ms BIGINT NOT NULL,
  answered_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX identity_check_card ON identity_check (bucket, card_id);

-- Every look at a value or hand-out of a key: who, for what.
CREATE TABLE access (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  at_ms BIGINT NOT NULL,
  act VARCHAR(16) NOT NULL,
  service VARCHAR(32) NOT NULL,
  staff_id BIGINT NOT NULL,
  purpose VARCHAR(40) NOT NULL,
  fields VARCHAR(100) NOT NULL,
  subject_id BIGINT NOT NULL,
  PRIMARY KEY (bucket, id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX access_user ON access (bucket, user_id, at_ms);

-- Members of staff; the bucket is the hash of the login. The TOTP secret is sealed by the member's "staff" key.
-- totp_step is the last time step whose code was used. state: active, disabled. Lock times are real.
CREATE TABLE staff (
  bucket BIGINT NOT NULL,
  id BIGINT NOT NULL,
  login VARCHAR(100) NOT NULL,
  display_name VARCHAR(50) NOT NULL,
  password VARCHAR(200) NOT NULL,
  totp_sealed VARBINARY(200) NOT NULL,
  totp_step BIGINT NOT NULL,
  roles VARCHAR(200) NOT NULL,
  state VARCHAR(16) NOT NULL,
  failures BIGINT NOT NULL,
  locked_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  last_login_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, id),
  UNIQUE (bucket, login)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
