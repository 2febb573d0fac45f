-- What each declared webhook has been told. The events themselves are the queue; a webhook is a place in their order. Safe with the previous
-- version running: it does not know the table, and the trigger costs its deletions of old events one look at a handful of rows.
CREATE TABLE webhook (
    name                 text        CONSTRAINT webhook_pkey PRIMARY KEY,
    -- Everything up to here is over and done with: delivered, set aside, or not for this webhook.
    position_transaction xid8        NOT NULL,
    position_id          bigint      NOT NULL,
    -- When a replica last said that its configuration declares the webhook.
    declared_at          timestamptz NOT NULL,
    -- Which claim is the last one, and until when its replica alone delivers; null when it has given the claim back.
    claim                bigint      NOT NULL DEFAULT 0,
    claimed_until        timestamptz,
    -- Attempts in a row that failed, and those of them in which the receiver refused this very event.
    failures             integer     NOT NULL DEFAULT 0,
    refusals             integer     NOT NULL DEFAULT 0,
    next_attempt_at      timestamptz NOT NULL,
    last_error           text,
    last_failed_at       timestamptz,
    delivered            bigint      NOT NULL DEFAULT 0,
    last_delivered_at    timestamptz,
    -- Events that the receiver refused until they were set aside.
    refused              bigint      NOT NULL DEFAULT 0,
    last_refused_at      timestamptz,
    -- Events that were deleted before the webhook came to them.
    lost                 bigint      NOT NULL DEFAULT 0,
    last_lost_at         timestamptz
);

-- Whoever deletes an event that a webhook has not come to says so, in the same transaction.
CREATE FUNCTION webhook_loss() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE webhook w
    SET lost = w.lost + missed.events, last_lost_at = statement_timestamp()
    FROM (SELECT behind.name, count(*) AS events
          FROM webhook behind
          JOIN deleted ON (deleted.transaction, deleted.id) > (behind.position_transaction, behind.position_id)
          GROUP BY behind.name) AS missed
    WHERE w.name = missed.name;
    RETURN NULL;
END $$;
CREATE TRIGGER webhook_loss AFTER DELETE ON event REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION webhook_loss();
