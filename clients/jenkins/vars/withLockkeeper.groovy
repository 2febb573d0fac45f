import groovy.transform.Field
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/*
 * withLockkeeper('production') { sh './deploy.sh' }
 *
 * Runs the steps in its body while it holds an environment's lock, on the agent of the surrounding node. docs/jenkins.md tells what can be
 * said and what happens when. The lock is kept by a process on the agent (resources/io/lockkeeper/hold-lock), not by this script: heartbeats
 * go on while the controller restarts. Everything kept here is text, which Jenkins can save at any point; the tokens are not kept here.
 */

/** What is handed on to the client as it is: the option --wait for wait. */
@Field static final List<String> HANDED_ON =
        ['wait', 'lease', 'coverage', 'priority', 'sha', 'ref', 'repository', 'tier', 'title', 'reason']
@Field static final List<String> OURS =
        ['environment', 'url', 'credentialsId', 'onSkip', 'batch', 'client', 'clientSha256']

String call(String environment, Closure body) {
    return call([environment: environment], body)
}

/** Returns granted, or skipped when the body was not run since another run deploys this change. Everything else fails. */
String call(Map options, Closure body) {
    List<String> arguments = argumentsOf(options)
    String here = sh(
            label: 'A place for the lock',
            returnStdout: true,
            script: "#!/bin/sh\nmkdir -p '${pwd(tmp: true)}' && mktemp -d '${pwd(tmp: true)}/lockkeeper.XXXXXX'").trim()
    writeFile(file: "${here}/hold-lock", text: libraryResource('io/lockkeeper/hold-lock'))
    writeFile(file: "${here}/arguments", text: arguments.join('\n') + '\n')

    String answer = ''
    withEnv(clientOf(options)) {
        withCredentials([string(credentialsId: options.credentialsId ?: 'lockkeeper', variable: 'LOCKKEEPER_TOKEN')]) {
            answer = sh(label: "Wait for ${options.environment}", returnStdout: true, script: holdLock(here, 'take')).trim()
        }
    }
    if (!answer.startsWith('LOCKKEEPER_OUTCOME=granted')) {
        echo "Another run deploys this change to ${options.environment}; nothing is done here."
        currentBuild.description = "Skipped: another run deploys this to ${options.environment}"
        if (options.onSkip == 'not-built') {
            currentBuild.result = 'NOT_BUILT'
        }
        return 'skipped'
    }
    // When the lock is lost, the branch that watches it fails, and Jenkins stops the steps of the other, whatever and wherever they are.
    parallel(
            failFast: true,
            'lock': { watch(here, options.environment) },
            'under lock': { underLock(here, answer, body) })
    return 'granted'
}

/** At an abort this branch ends without a failure: one would have failFast stop the other branch again, in the middle of its clean-up. */
void watch(String here, String environment) {
    try {
        sh(label: "The lock of ${environment}", script: holdLock(here, 'watch'))
    } catch (FlowInterruptedException interrupted) {
        echo "The lock of ${environment} is kept until the steps under it have stopped."
    }
}

void underLock(String here, String answer, Closure body) {
    String how = 'failure'
    try {
        withEnv(answer.split('\n') as List) {
            body()
        }
        how = 'success'
    } catch (FlowInterruptedException interrupted) { // Somebody aborts the build, a timeout does, or the lock is lost.
        how = 'cancelled'
        throw interrupted
    } finally {
        sh(label: 'Release the lock', script: holdLock(here, "give-back ${how}"))
    }
}

/** With a first line like this Jenkins does not print each command. */
String holdLock(String here, String verb) {
    return "#!/bin/sh\nexec sh '${here}/hold-lock' ${verb}"
}

List<String> argumentsOf(Map options) {
    for (name in options.keySet()) {
        if (!HANDED_ON.contains(name) && !OURS.contains(name)) {
            error "withLockkeeper knows no option ${name}; it knows ${(OURS + HANDED_ON).join(', ')}"
        }
    }
    if (!options.environment) {
        error 'withLockkeeper needs an environment'
    }
    List<String> arguments = [options.environment]
    if (options.wait == false) {
        arguments += '--no-wait'
    }
    if (options.batch == false) {
        arguments += '--no-batch'
    }
    if (options.onSkip && options.onSkip != 'not-built') {
        arguments += "--on-skip=${options.onSkip}".toString()
    }
    for (name in HANDED_ON) {
        if (options[name] != null && options[name] != false) {
            arguments += "--${name}=${options[name]}".toString().replaceAll('[\\r\\n]+', ' ') // One argument is one line.
        }
    }
    return arguments
}

List<String> clientOf(Map options) {
    List<String> variables = []
    if (options.url) {
        variables += "LOCKKEEPER_URL=${options.url}".toString()
    }
    if (options.client) {
        variables += "LOCKKEEPER_CLIENT=${options.client}".toString()
    }
    if (options.clientSha256) {
        variables += "LOCKKEEPER_CLIENT_SHA256=${options.clientSha256}".toString()
    }
    return variables
}
