-- +goose Up

-- One message to one person on one channel. params holds amounts, dates and counts, never a personal value; a one-time
-- code and the mobile of one who is not registered are sealed to this process and emptied when the message has ended.
CREATE TABLE notify_message (
  bucket INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  origin TEXT NOT NULL CHECK (length(origin) <= 96),
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  template TEXT NOT NULL CHECK (length(template) <= 40),
  template_version INTEGER NOT NULL,
  class TEXT NOT NULL CHECK (length(class) <= 16),
  language TEXT NOT NULL CHECK (length(language) <= 8),
  subject_id INTEGER NOT NULL,
  params TEXT NOT NULL CHECK (length(params) <= 1000),
  sealed_code BLOB NOT NULL CHECK (length(sealed_code) <= 512),
  sealed_mobile BLOB NOT NULL CHECK (length(sealed_mobile) <= 512),
  state TEXT NOT NULL CHECK (length(state) <= 20),
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  provider_no TEXT NOT NULL CHECK (length(provider_no) <= 64),
  created_ms INTEGER NOT NULL,
  not_before_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  sent_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  read_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, message_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notify_message_origin ON notify_message (bucket, origin);
CREATE INDEX notify_message_inbox ON notify_message (bucket, user_id, channel, read_ms, created_ms);
CREATE INDEX notify_message_by_time ON notify_message (created_ms, message_id);
CREATE INDEX notify_message_by_state ON notify_message (state, created_ms);

-- What happened to a message that goes outside.
CREATE TABLE notify_move (
  bucket INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  number INTEGER NOT NULL,
  from_state TEXT NOT NULL CHECK (length(from_state) <= 20),
  to_state TEXT NOT NULL CHECK (length(to_state) <= 20),
  reason TEXT NOT NULL CHECK (length(reason) <= 48),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (bucket, message_id, number)
) STRICT, WITHOUT ROWID;

-- What was done to contact a debtor on one day. Every writer of notify_contact raises its version, so that two tries at
-- once cannot both take the last place.
CREATE TABLE notify_contact_day (
  bucket INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  contact_on TEXT NOT NULL CHECK (length(contact_on) <= 10),
  calls_open INTEGER NOT NULL,
  calls_effective INTEGER NOT NULL,
  calls_in_vain INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, user_id, contact_on)
) STRICT, WITHOUT ROWID;

-- One contact that the guard let through.
CREATE TABLE notify_contact (
  bucket INTEGER NOT NULL,
  contact_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  contact_on TEXT NOT NULL CHECK (length(contact_on) <= 10),
  medium TEXT NOT NULL CHECK (length(medium) <= 16),
  number_token TEXT NOT NULL CHECK (length(number_token) <= 64),
  outcome TEXT NOT NULL CHECK (length(outcome) <= 16),
  at_ms INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_contact_by_day ON notify_contact (bucket, user_id, contact_on);

-- Times in which a debtor is not to be contacted.
CREATE TABLE notify_stop (
  bucket INTEGER NOT NULL,
  stop_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (length(reason) <= 200),
  stopped_by INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  lifted_ms INTEGER NOT NULL,
  lifted_by INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, stop_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_stop_by_user ON notify_stop (bucket, user_id);
