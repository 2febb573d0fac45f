package io.lockkeeper.web;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;

/** What is handed out to anybody, since nothing in it is secret: the description of the API, its page, the shell client. */
@Controller
class Documents {

    private static final MediaType SHELL_SCRIPT = new MediaType("text", "x-shellscript", StandardCharsets.UTF_8);

    @GetMapping("/api/openapi.yaml")
    ResponseEntity<Resource> openApi() {
        return document("static/api/openapi.yaml", MediaType.APPLICATION_YAML);
    }

    @GetMapping("/api/docs")
    ResponseEntity<Resource> page() {
        return document("static/api/docs/index.html", new MediaType(MediaType.TEXT_HTML, StandardCharsets.UTF_8));
    }

    /** The page's links are relative to the address without the slash. */
    @GetMapping("/api/docs/")
    ResponseEntity<Void> pageWithSlash() {
        return ResponseEntity.status(308).location(URI.create("../docs")).build();
    }

    @GetMapping("/client/lockkeeper")
    ResponseEntity<Resource> shellClient() {
        return document("clients/shell/lockkeeper", SHELL_SCRIPT);
    }

    private static ResponseEntity<Resource> document(String path, MediaType type) {
        var document = new ClassPathResource(path);
        if (!document.exists()) {
            throw RefusedByStatus.notFound().asException();
        }
        return ResponseEntity.ok().contentType(type).body(document);
    }
}
