// Shows the API document. Requests go to the folder that this page is in, whatever prefix a
// gateway has put in front of it. The key is remembered for this tab, until it is closed.
const KEPT = "contacts-key";

const rememberKey = {
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (original) => (given) => {
          sessionStorage.setItem(KEPT, given.bearer.value);
          return original(given);
        },
        logout: (original) => (names) => {
          sessionStorage.removeItem(KEPT);
          return original(names);
        },
      },
    },
  },
};

// The page would ask for a file where a parameter is JSON, and shows no examples of parameters.
function simplify(parameter) {
  delete parameter.schema.contentMediaType;
  delete parameter.schema.contentSchema;
  for (const example of parameter.schema.examples ?? []) {
    parameter.description += `\n\nFor example \`${example}\`.`;
  }
}

fetch("openapi.json")
  .then((response) => response.json())
  .then((document) => {
    const here = new URL(".", window.location.href).href.replace(/\/$/, "");
    document.servers = [{ url: here }];
    for (const path of Object.values(document.paths)) {
      for (const operation of Object.values(path)) operation.parameters.forEach(simplify);
    }
    const page = window.SwaggerUIBundle({
      spec: document,
      dom_id: "#page",
      deepLinking: true,
      displayRequestDuration: true,
      filter: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      validatorUrl: null,
      plugins: [rememberKey],
      onComplete: () => {
        const key = sessionStorage.getItem(KEPT);
        if (key) page.preauthorizeApiKey("bearer", key);
      },
    });
  });
