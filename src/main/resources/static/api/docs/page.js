'use strict';

// Relative, so that the page also works behind a proxy that serves Lockkeeper below a path of its own.
SwaggerUIBundle({
  url: 'openapi.yaml',
  dom_id: '#api',
  presets: [SwaggerUIBundle.presets.apis],
  // A token that somebody typed stays in this page's memory alone.
  persistAuthorization: false,
  // The validator of swagger.io would be sent the address of this service.
  validatorUrl: null,
  tryItOutEnabled: false,
  defaultModelsExpandDepth: 0,
});
