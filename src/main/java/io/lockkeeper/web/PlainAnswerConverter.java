package io.lockkeeper.web;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.HttpOutputMessage;
import org.springframework.http.MediaType;
import org.springframework.http.converter.AbstractHttpMessageConverter;

/** Writes the flat form of an answer. It comes after the JSON converter, so a client without a wish gets JSON. */
final class PlainAnswerConverter extends AbstractHttpMessageConverter<PlainAnswer> {

    PlainAnswerConverter() {
        super(StandardCharsets.UTF_8, MediaType.TEXT_PLAIN);
    }

    @Override
    protected boolean supports(Class<?> type) {
        return PlainAnswer.class.isAssignableFrom(type);
    }

    @Override
    protected boolean canRead(@Nullable MediaType mediaType) {
        return false;
    }

    @Override
    protected PlainAnswer readInternal(Class<? extends PlainAnswer> type, HttpInputMessage message) {
        throw new UnsupportedOperationException("An answer is never read");
    }

    @Override
    protected void writeInternal(PlainAnswer answer, HttpOutputMessage message) throws IOException {
        message.getBody().write(PlainText.of(answer.plain()).getBytes(StandardCharsets.UTF_8));
    }
}
