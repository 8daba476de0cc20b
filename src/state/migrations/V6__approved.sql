PRAGMA user_version = 6;

-- What a person approved of an account that another hand deleted: JSON; NULL: nothing yet.
ALTER TABLE taken ADD COLUMN approval_json TEXT;
