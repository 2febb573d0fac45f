package io.lockkeeper.page;

import io.lockkeeper.web.Webjar;
import java.time.Duration;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.CacheControl;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** The page's own files, and the one library. */
@Configuration(proxyBeanMethods = false)
class PageConfiguration implements WebMvcConfigurer {

    @Override
    public void addResourceHandlers(ResourceHandlerRegistry registry) {
        registry.addResourceHandler("/assets/*")
                .addResourceLocations(
                        "classpath:/static/assets/", Webjar.location("hotwired__turbo", "dist/turbo.es2017-umd.js"))
                // After an upgrade nobody looks at new pages with old styles.
                .setCacheControl(CacheControl.maxAge(Duration.ZERO).mustRevalidate());
    }
}
