package io.lockkeeper;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;

/** Starts the service. What it needs to start, and what it says when it cannot, is in {@code database}. */
@SpringBootApplication
@ConfigurationPropertiesScan
public class LockkeeperApplication {

    public static void main(String[] args) {
        SpringApplication.run(LockkeeperApplication.class, args);
    }
}
