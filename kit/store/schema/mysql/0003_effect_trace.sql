-- +goose Up

-- The trace in which an effect was decided (W3C traceparent), and when, by the business clock.
ALTER TABLE kit_effect ADD COLUMN traceparent VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE kit_effect ADD COLUMN added_ms BIGINT NOT NULL DEFAULT 0;
