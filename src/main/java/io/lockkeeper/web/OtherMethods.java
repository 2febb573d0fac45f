package io.lockkeeper.web;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Says of a mapping that names no method which ones it takes, that Spring MVC has no name for. It gets every request that the path's other mappings
 * do not take, and refuses the rest itself.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface OtherMethods {
    String[] value();
}
