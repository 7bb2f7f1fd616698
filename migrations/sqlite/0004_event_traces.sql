-- The trace that an event's command belongs to (W3C traceparent), where there is one.

ALTER TABLE events ADD COLUMN traceparent TEXT;
