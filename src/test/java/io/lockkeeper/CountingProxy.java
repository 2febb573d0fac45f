package io.lockkeeper;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Stands between the service and PostgreSQL and counts round trips: how often a client sends what the server answers, which is a Sync or a
 * simple Query (PostgreSQL manual, chapter "Frontend/Backend Protocol"), and then waits. Several that arrive together, such as a BEGIN and
 * the statements after it, are one.
 */
public final class CountingProxy implements AutoCloseable {
    private static final int SYNC = 'S';
    private static final int QUERY = 'Q';
    private static final int ENCRYPTION_REQUEST_LENGTH = 8;

    private final ServerSocket server;
    private final int databasePort;
    private final AtomicLong roundTrips = new AtomicLong();

    public CountingProxy(int databasePort) throws IOException {
        this.databasePort = databasePort;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    public long roundTrips() {
        return roundTrips.get();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                Socket database = new Socket(InetAddress.getLoopbackAddress(), databasePort);
                client.setTcpNoDelay(true);
                database.setTcpNoDelay(true);
                Thread.ofVirtual().start(() -> copyAndCount(client, database));
                Thread.ofVirtual().start(() -> copy(database, client));
            }
        } catch (IOException e) {
            // Closed: the measurement is over.
        }
    }

    private void copyAndCount(Socket from, Socket to) {
        try (from;
                to;
                DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(from.getInputStream()))) {
            OutputStream out = new java.io.BufferedOutputStream(to.getOutputStream());
            passUntypedMessages(in, out);
            boolean asks = false;
            while (true) {
                int type = in.read();
                if (type < 0) {
                    return;
                }
                int length = in.readInt();
                out.write(type);
                writeInt(out, length);
                out.write(in.readNBytes(length - 4));
                asks |= type == SYNC || type == QUERY;
                if (in.available() == 0) {
                    out.flush();
                    if (asks) {
                        roundTrips.incrementAndGet();
                        asks = false;
                    }
                }
            }
        } catch (IOException e) {
            // Either side hung up; the other is closed with it.
        }
    }

    /** The first message has no type, nor have the requests for encryption that may come before it. */
    private static void passUntypedMessages(DataInputStream in, OutputStream out) throws IOException {
        int length;
        do {
            length = in.readInt();
            writeInt(out, length);
            out.write(in.readNBytes(length - 4));
            out.flush();
        } while (length == ENCRYPTION_REQUEST_LENGTH);
    }

    private static void copy(Socket from, Socket to) {
        try (from;
                to;
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            in.transferTo(out);
        } catch (IOException e) {
            // Either side hung up; the other is closed with it.
        }
    }

    private static void writeInt(OutputStream out, int value) throws IOException {
        out.write(value >>> 24);
        out.write(value >>> 16);
        out.write(value >>> 8);
        out.write(value);
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
