"use strict";
// The page says which viewer and which document; nothing inline, so that the policy can be strict.
const page = document.currentScript.dataset;
if (page.viewer === "redoc") {
  Redoc.init(page.document, { disableSearch: false, hideDownloadButton: false }, document.getElementById("docs"));
} else {
  SwaggerUIBundle({ url: page.document, domNode: document.getElementById("docs"), deepLinking: true, validatorUrl: null });
}
