package io.lockkeeper.security;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.security.web.savedrequest.CookieRequestCache;
import org.springframework.security.web.util.matcher.RequestMatcher;

/** Remembers in a cookie which page somebody wanted who had to log in first. */
final class WantedPage extends CookieRequestCache {

    WantedPage(RequestMatcher pages) {
        setRequestMatcher(pages);
        setCookieCustomizer(cookie -> {
            cookie.setAttribute("SameSite", "Lax");
            cookie.setMaxAge(600);
        });
    }

    /** The page's path with its query; the start page when none is remembered. Never an address elsewhere, whoever has set the cookie. */
    String path(HttpServletRequest request, HttpServletResponse response) {
        var saved = getRequest(request, response);
        if (saved == null) {
            return "/";
        }
        removeRequest(request, response);
        var wanted = URI.create(saved.getRedirectUrl());
        var path = wanted.getRawPath();
        if (path == null || !path.startsWith("/") || path.startsWith("//")) {
            return "/";
        }
        return wanted.getRawQuery() == null ? path : path + "?" + wanted.getRawQuery();
    }

    /** A page is asked for anew, and nothing of the first request is needed: what is remembered of it has none of its headers. */
    @Override
    public @Nullable HttpServletRequest getMatchingRequest(HttpServletRequest request, HttpServletResponse response) {
        return null;
    }
}
