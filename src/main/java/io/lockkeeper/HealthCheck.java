package io.lockkeeper;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * What a container's {@code HEALTHCHECK} runs in an image that has neither a shell nor curl: asks the service beside it whether it is ready, and
 * ends with 0 if so and with 1 otherwise. It is a program of its own, started every few seconds, so it uses the fewest classes of Java.
 */
final class HealthCheck {
    private static final int PATIENCE_MILLIS = 4000;

    private HealthCheck() {}

    public static void main(String[] arguments) {
        String port = System.getenv().getOrDefault("SERVER_PORT", "8080");
        try (Socket socket = new Socket()) {
            socket.connect(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port)), PATIENCE_MILLIS);
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream()
                    .write("GET /actuator/health/readiness HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            var answer =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII), 512);
            String status = String.valueOf(answer.readLine());
            System.out.println(status);
            System.exit(status.startsWith("HTTP/1.1 200") ? 0 : 1);
        } catch (IOException | NumberFormatException e) {
            System.out.println("Port " + port + ": " + e.getMessage());
            System.exit(1);
        }
    }
}
