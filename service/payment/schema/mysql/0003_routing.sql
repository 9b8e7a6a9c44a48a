-- +goose Up

-- What routing looks at besides. Empty terms are those of the configuration.
ALTER TABLE payment_channel ADD COLUMN daily_minor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE payment_channel ADD COLUMN terms VARCHAR(4000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '';
ALTER TABLE payment_channel ADD COLUMN breaker VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'auto';

-- What a day has used of a channel's daily limit. A row exists only for channels that have one; all orders of such a
-- channel meet in it, so that the limit holds to the cent. Belongs to no user; bucket is 0.
CREATE TABLE payment_use (
  bucket BIGINT NOT NULL,
  channel VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  used_on VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  used_minor BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (bucket, channel, used_on)
);
