package io.lockkeeper.security;

import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** All of this package's beans, for a test that runs without a database. */
@Configuration(proxyBeanMethods = false)
@Import({SecurityConfiguration.class, PageSecurityConfiguration.class, LockTokens.class, FakeTokens.class})
public class EdgeSecurity {}
