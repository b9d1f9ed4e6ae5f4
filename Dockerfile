# The service alone, on port 9000; compose.yaml puts Caddy in front.
FROM python:3.13-slim

RUN useradd --system --home-dir /var/lib/contacts --create-home contacts

WORKDIR /opt/contacts
COPY requirements.txt .
RUN python3 -m venv .venv
RUN .venv/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements.txt
COPY app.py pyproject.toml ./
COPY schemas schemas
COPY contacts_service contacts_service

ENV PATH=/opt/contacts/.venv/bin:/usr/local/bin:/usr/bin:/bin
ENV CONTACTS_DATABASE_URL=sqlite:////var/lib/contacts/contacts.db
ENV CONTACTS_HOST=0.0.0.0

USER contacts
VOLUME /var/lib/contacts
EXPOSE 9000
HEALTHCHECK --start-period=30s CMD python3 -c "import urllib.request as r; r.urlopen('http://127.0.0.1:9000/health', timeout=5)"
CMD ["flask", "serve"]
