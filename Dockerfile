# One image per program, with nothing in it but the program and the certificates
# that it trusts:
#
#	docker build --build-arg VERSION=$(hack/version.sh) --tag rempart/manager .
#	docker build --build-arg COMMAND=mover --tag rempart/mover .
#
# BUILDER is any image with Go and CA certificates.
ARG BUILDER=golang:1.26

FROM ${BUILDER} AS builder
WORKDIR /src
# Dependencies change more seldom than code.
COPY go.mod go.sum ./
RUN go mod download
COPY api api
COPY cmd cmd
COPY config/crd config/crd
COPY controllers controllers
COPY internal internal
ARG COMMAND=manager
ARG VERSION=dev
# Set by builders that build for other platforms; empty is the builder's own.
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/program ./cmd/${COMMAND}

FROM scratch
ARG COMMAND=manager
ARG VERSION=dev
LABEL org.opencontainers.image.title="rempart ${COMMAND}" \
      org.opencontainers.image.description="Sovereign multicloud object storage" \
      org.opencontainers.image.source="https://github.com/rempart/rempart" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /out/program /program
USER 65532:65532
ENTRYPOINT ["/program"]
