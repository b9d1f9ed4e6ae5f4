// Shows the API document. Requests go to the folder that this page is in, whatever prefix a
// gateway has put in front of it.
fetch("openapi.json")
  .then((response) => response.json())
  .then((document) => {
    const here = new URL(".", window.location.href).href.replace(/\/$/, "");
    document.servers = [{ url: here }];
    window.SwaggerUIBundle({
      spec: document,
      dom_id: "#page",
      deepLinking: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      validatorUrl: null,
    });
  });
