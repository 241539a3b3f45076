# One image with the four programs: api, worker, scheduler, and doorzet, the operator's command.

FROM golang:1.26-bookworm AS build
WORKDIR /src
# The modules first: they change seldom, so this layer is kept from build to build.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Without cgo the programs need nothing of the image they run in.
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/ ./cmd/api ./cmd/worker ./cmd/scheduler ./cmd/doorzet
# The folder of the invoice files, to be owned by the user below.
RUN mkdir -p /empty/books

FROM debian:bookworm-slim
# Whom to trust when calling a shop.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /usr/local/bin/
# A new named volume takes owner and content from the folder it is mounted on: without this line it would be root's.
COPY --from=build --chown=10001:10001 /empty/books /var/lib/doorzet/books
USER 10001:10001
WORKDIR /var/lib/doorzet
CMD ["doorzet", "--help"]
