-- +goose Up

-- One message to one person on one channel. params holds amounts, dates and counts, never a personal value; a one-time
-- code and the mobile of one who is not registered are sealed to this process and emptied when the message has ended.
CREATE TABLE notify_message (
  bucket BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  origin VARCHAR(96) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  template VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  template_version BIGINT NOT NULL,
  class VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  language VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  subject_id BIGINT NOT NULL,
  params VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sealed_code VARBINARY(512) NOT NULL,
  sealed_mobile VARBINARY(512) NOT NULL,
  state VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  provider_no VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_ms BIGINT NOT NULL,
  not_before_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  sent_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL,
  read_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, message_id),
  UNIQUE KEY notify_message_origin (bucket, origin),
  KEY notify_message_inbox (bucket, user_id, channel, read_ms, created_ms),
  KEY notify_message_by_time (created_ms, message_id),
  KEY notify_message_by_state (state, created_ms)
);

-- What happened to a message that goes outside.
CREATE TABLE notify_move (
  bucket BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  from_state VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  to_state VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  reason VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms BIGINT NOT NULL,
  PRIMARY KEY (bucket, message_id, number)
);

-- What was done to contact a debtor on one day. Every writer of notify_contact raises its version, so that two tries at
-- once cannot both take the last place.
CREATE TABLE notify_contact_day (
  bucket BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  contact_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  calls_open BIGINT NOT NULL,
  calls_effective BIGINT NOT NULL,
  calls_in_vain BIGINT NOT NULL,
  messages BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, user_id, contact_on)
);

-- One contact that the guard let through.
CREATE TABLE notify_contact (
  bucket BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  contact_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  medium VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  number_token VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  outcome VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  at_ms BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, contact_id),
  KEY notify_contact_by_day (bucket, user_id, contact_on)
);

-- Times in which a debtor is not to be contacted.
CREATE TABLE notify_stop (
  bucket BIGINT NOT NULL,
  stop_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  reason VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  stopped_by BIGINT NOT NULL,
  from_ms BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  lifted_ms BIGINT NOT NULL,
  lifted_by BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, stop_id),
  KEY notify_stop_by_user (bucket, user_id)
);
