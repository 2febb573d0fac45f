-- Which of the things that a run says of itself its caller's ID token has vouched for.
--
-- Safe while the previous version runs: it leaves the column to its default. The table is not read through for the constraint, since every
-- run that is there has the default.
ALTER TABLE run ADD COLUMN trusted text[] NOT NULL DEFAULT '{}';
ALTER TABLE run ADD CONSTRAINT run_trusted_is_known CHECK (trusted <@ '{sha,ref,repository,user,run_url}') NOT VALID;
