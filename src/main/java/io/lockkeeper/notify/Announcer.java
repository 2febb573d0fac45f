package io.lockkeeper.notify;

import io.lockkeeper.coordination.Wake;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Tells the other replicas what changed. While one NOTIFY is under way the next ones gather, so a burst of transitions costs a few
 * announcements. What is lost here, because the database is away or too much has gathered, the others' re-check finds.
 */
final class Announcer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

    /** Words that may gather while the database does not answer. */
    private static final int MAX_GATHERED = 10_000;

    private final JdbcTemplate jdbc;
    private final UUID replica;
    private final Set<String> gathered = new LinkedHashSet<>();
    private final Thread thread;
    private boolean closed;

    Announcer(JdbcTemplate jdbc, UUID replica) {
        this.jdbc = jdbc;
        this.replica = replica;
        this.thread = Thread.ofPlatform().daemon().name("lockkeeper-announcer").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    synchronized void announce(Wake wake) {
        if (gathered.size() < MAX_GATHERED) {
            wake.runs().forEach(run -> gathered.add(Announcement.word(run)));
            wake.groups().forEach(group -> gathered.add(Announcement.word(group)));
            notifyAll();
        }
    }

    private void run() {
        try {
            for (String text = next(); !text.isEmpty(); text = next()) {
                send(text);
            }
        } catch (InterruptedException e) {
            LOG.debug("The announcer was interrupted.");
        }
    }

    private void send(String text) {
        try {
            jdbc.query("SELECT pg_notify(?, ?)", rows -> {}, Announcement.CHANNEL, text);
        } catch (DataAccessException e) {
            LOG.info("The other replicas were not told of a change and will find it themselves: {}", e.getMessage());
        } catch (Throwable e) {
            // A defect, or no memory for a moment. What left here would end the thread without a word.
            LOG.error("The announcer failed.", e);
        }
    }

    /** Waits for words and takes as many as one NOTIFY can carry; empty when closed. */
    private synchronized String next() throws InterruptedException {
        while (gathered.isEmpty() && !closed) {
            wait();
        }
        if (closed) {
            return "";
        }
        StringBuilder text = new StringBuilder(replica.toString());
        Iterator<String> words = gathered.iterator();
        while (words.hasNext()) {
            String word = words.next();
            if (text.length() + 1 + word.length() > Announcement.MAX_LENGTH) {
                break;
            }
            text.append(' ').append(word);
            words.remove();
        }
        return text.toString();
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
