package io.lockkeeper;

import java.util.Arrays;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/**
 * Starts the service; with the argument {@code migrate}, only brings its database's schema up to date. What it needs to start, and what it
 * says when it cannot, is in {@code database}.
 */
@SpringBootApplication
@ConfigurationPropertiesScan
public class LockkeeperApplication {

    public static void main(String[] args) {
        if (args.length > 0 && args[0].equals("migrate")) {
            SchemaMigration.run(Arrays.copyOfRange(args, 1, args.length));
        } else {
            SpringApplication.run(LockkeeperApplication.class, args);
        }
    }
}
