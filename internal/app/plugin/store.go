package plugin

import (
	"cmp"
	"errors"
	"os"

	"github.com/rempart/rempart/internal/cli/verify"
	"github.com/rempart/rempart/internal/provider"
	"github.com/rempart/rempart/internal/provider/s3"
	"github.com/rempart/rempart/internal/secret"
)

// openStore opens a store with what the environment says, in the words that all S3
// tools know and that Rempart's own Secrets have.
func openStore(at verify.Store) (provider.Objects, error) {
	place := provider.Place{
		Provider: "store", Endpoint: cmp.Or(at.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3")),
		Region: cmp.Or(at.Region, os.Getenv("AWS_REGION")), Addressing: provider.PathStyle,
	}
	accessKey, secretKey := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	switch {
	case place.Endpoint == "":
		return nil, errors.New("--endpoint, or the environment variable AWS_ENDPOINT_URL_S3, must name the store")
	case accessKey == "" || secretKey == "":
		return nil, errors.New("the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must hold a key that may read")
	}
	return s3.Driver{}.Open(place, provider.Credentials{
		provider.AccessKey: secret.New(accessKey), provider.SecretKey: secret.New(secretKey),
	})
}
