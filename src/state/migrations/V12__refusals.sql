PRAGMA user_version = 12;

-- What the server said when it refused a credential: who looks within the hour after is told it, and the server is not asked again.
ALTER TABLE directory ADD COLUMN refused_text TEXT;
