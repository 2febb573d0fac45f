package io.lockkeeper.database;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OneLineFailureReporterTest {

    @Test
    void failure_is_told_in_one_line() {
        assertThat(OneLineFailureReporter.line("It does\nnot start:\n\n    a", "Do\tthis.\n"))
                .isEqualTo("lockkeeper: It does not start: a Do this.");
    }

    @Test
    void failure_without_advice_is_told_too() {
        assertThat(OneLineFailureReporter.line("It does not start.", null)).isEqualTo("lockkeeper: It does not start.");
    }
}
