-- Answers that held a token were kept as they were. A repetition of one of those requests is a new request now.
DELETE FROM idempotency_keys WHERE body ? 'text';
