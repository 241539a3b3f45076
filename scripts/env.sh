#!/bin/sh
# Makes .env for docker compose from .env.example, with secrets of its own. An existing .env is kept: its key is the only
# one that opens what is stored.
set -eu

if [ -e .env ]; then
	echo ".env is there already and is kept"
	exit 0
fi
umask 077

# secret prints N random bytes in hexadecimal, which needs no escapes in a URL.
secret() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

sed -e "s|^DOORZET_SECRET_KEY=.*|DOORZET_SECRET_KEY=$(head -c 32 /dev/urandom | base64)|" \
	-e "s|^POSTGRES_PASSWORD=.*|POSTGRES_PASSWORD=$(secret 24)|" \
	-e "s|^DOORZET_QUEUES_USER=.*|DOORZET_QUEUES_USER=ops|" \
	-e "s|^DOORZET_QUEUES_PASSWORD=.*|DOORZET_QUEUES_PASSWORD=$(secret 12)|" \
	.env.example >.env
echo "made .env with secrets of its own; the queue pages are for user ops with the password in it"
