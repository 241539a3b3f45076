#!/bin/sh
# Makes .env for docker compose from .env.example, with secrets of its own. An existing .env is kept: its key is the only
# one that opens what is stored.
set -eu

if [ -e .env ]; then
	echo ".env is there already and is kept"
	exit 0
fi
umask 077
# A password that stands in a URL is written in hexadecimal: it needs no escapes there.
sed -e "s|^DOORZET_SECRET_KEY=.*|DOORZET_SECRET_KEY=$(openssl rand -base64 32)|" \
	-e "s|^POSTGRES_PASSWORD=.*|POSTGRES_PASSWORD=$(openssl rand -hex 24)|" \
	-e "s|^DOORZET_QUEUES_USER=.*|DOORZET_QUEUES_USER=ops|" \
	-e "s|^DOORZET_QUEUES_PASSWORD=.*|DOORZET_QUEUES_PASSWORD=$(openssl rand -hex 12)|" \
	.env.example >.env
echo "made .env with secrets of its own; the queue pages are for user ops with the password in it"
