package io.lockkeeper.web;

import org.springframework.security.web.util.matcher.RequestMatcher;

/**
 * Another bound than the usual one for the bodies of some requests.
 *
 * @param of whose bodies
 */
public record BodyLimit(RequestMatcher of, int bytes) {}
