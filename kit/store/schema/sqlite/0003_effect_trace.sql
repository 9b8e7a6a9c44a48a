-- +goose Up

-- The trace in which an effect was decided (W3C traceparent), and when, by the business clock.
ALTER TABLE kit_effect ADD COLUMN traceparent TEXT NOT NULL DEFAULT '' CHECK(length(traceparent) <= 64);
ALTER TABLE kit_effect ADD COLUMN added_ms INTEGER NOT NULL DEFAULT 0;
