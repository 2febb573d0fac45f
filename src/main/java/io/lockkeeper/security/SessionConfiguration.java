package io.lockkeeper.security;

import io.lockkeeper.notify.Routine;
import io.lockkeeper.notify.RoutineLifecycle;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.time.Duration;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.convert.ConversionService;
import org.springframework.core.convert.support.GenericConversionService;
import org.springframework.core.serializer.DefaultSerializer;
import org.springframework.core.serializer.Deserializer;
import org.springframework.core.serializer.support.DeserializingConverter;
import org.springframework.core.serializer.support.SerializingConverter;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.session.jdbc.JdbcIndexedSessionRepository;
import org.springframework.session.jdbc.config.annotation.web.http.EnableJdbcHttpSession;
import org.springframework.session.web.http.CookieSerializer;
import org.springframework.session.web.http.DefaultCookieSerializer;

/** Sessions of the page lie in the database, so that any replica knows them and a restart ends none. */
@Configuration(proxyBeanMethods = false)
@EnableJdbcHttpSession(
        tableName = "page_session",
        maxInactiveIntervalInSeconds = SessionConfiguration.IDLE_SECONDS,
        cleanupCron = Scheduled.CRON_DISABLED)
class SessionConfiguration {

    /** Twelve hours: a day's work. An open page keeps its session alive. */
    static final int IDLE_SECONDS = 12 * 60 * 60;

    private static final Duration CLEAN_UP = Duration.ofMinutes(10);

    /**
     * What a session may hold: our own, and what Spring keeps there between two requests of a log-in or beside a redirect. Nothing else is made
     * from the database's bytes, whoever wrote them.
     */
    private static final ObjectInputFilter KEPT = ObjectInputFilter.Config.createFilter(
            "maxdepth=20;maxrefs=1000;maxbytes=65536;io.lockkeeper.security.SessionKey*;java.lang.*;java.util.*;java.util.concurrent.CopyOnWriteArrayList;"
                    + "java.time.*;java.net.URI;java.net.URL;org.springframework.web.servlet.FlashMap;org.springframework.util.LinkedMultiValueMap;"
                    + "org.springframework.util.MultiValueMapAdapter;org.springframework.security.oauth2.**;!*");

    @Bean
    CookieSerializer sessionCookie(AdminToken adminToken) {
        var cookie = new DefaultCookieSerializer();
        cookie.setCookieName("lockkeeper-session");
        // A link in a chat leads to the page and not to its log-in; a form on another site sends no cookie along.
        cookie.setSameSite("Lax");
        cookie.setUseBase64Encoding(false);
        return new SignedSessionCookie(cookie, adminToken);
    }

    @Bean
    ConversionService springSessionConversionService() {
        var conversions = new GenericConversionService();
        conversions.addConverter(Object.class, byte[].class, new SerializingConverter(new DefaultSerializer()));
        conversions.addConverter(byte[].class, Object.class, new DeserializingConverter(new FilteredDeserializer()));
        return conversions;
    }

    @Bean
    SmartLifecycle sessionCleanUp(JdbcIndexedSessionRepository sessions) {
        return new RoutineLifecycle(new Routine("clean-up of sessions", CLEAN_UP, sessions::cleanUpExpiredSessions));
    }

    private static final class FilteredDeserializer implements Deserializer<Object> {

        @Override
        @SuppressWarnings("BanSerializableRead") // Nothing but what the filter names is made.
        public Object deserialize(InputStream bytes) throws IOException {
            try (var objects = new ObjectInputStream(bytes)) {
                objects.setObjectInputFilter(KEPT);
                return objects.readObject();
            } catch (ClassNotFoundException e) {
                throw new IOException("A session holds what this version does not know", e);
            }
        }
    }
}
