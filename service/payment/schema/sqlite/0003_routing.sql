-- +goose Up

-- What routing looks at besides. Empty terms are those of the configuration.
ALTER TABLE payment_channel ADD COLUMN daily_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE payment_channel ADD COLUMN terms TEXT NOT NULL DEFAULT '' CHECK (length(terms) <= 4000);
ALTER TABLE payment_channel ADD COLUMN breaker TEXT NOT NULL DEFAULT 'auto' CHECK (length(breaker) <= 8);

-- What a day has used of a channel's daily limit. A row exists only for channels that have one; all orders of such a
-- channel meet in it, so that the limit holds to the cent. Belongs to no user; bucket is 0.
CREATE TABLE payment_use (
  bucket INTEGER NOT NULL,
  channel TEXT NOT NULL CHECK (length(channel) <= 16),
  used_on TEXT NOT NULL CHECK (length(used_on) <= 10),
  used_minor INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (bucket, channel, used_on)
) STRICT, WITHOUT ROWID;
