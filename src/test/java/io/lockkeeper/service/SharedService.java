package io.lockkeeper.service;

import io.lockkeeper.ServiceProcess;
import io.lockkeeper.TestDatabase;

/** One service for all tests of this JVM that need no other. */
final class SharedService {
    private static final ServiceProcess PROCESS = start();
    static final TestDatabase DATABASE = PROCESS.database();
    static final Api API = new Api(PROCESS.url(), PROCESS.adminToken());

    private SharedService() {}

    private static ServiceProcess start() {
        ServiceProcess process = ServiceProcess.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::close));
        return process;
    }
}
