package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"

	_ "golang.org/x/image/webp"
)

const mostPixels = 100_000_000

// picture is a file that was looked at: type and size are its own, whatever anybody said of it.
type picture struct {
	data          []byte
	mediaType     string
	width, height int
}

// looked decodes a file, or says why it is no picture that may be delivered.
func looked(data []byte) (*picture, image.Image, error) {
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, nil, errors.New("it is no PNG, JPEG or WebP")
	}
	if head.Width*head.Height > mostPixels {
		return nil, nil, errors.New("it has too many pixels")
	}
	decoded, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, nil, errors.New("it is damaged")
	}
	return &picture{data, "image/" + format, head.Width, head.Height}, decoded, nil
}

// delivered is the picture in the wished type; empty means as it came.
func delivered(data []byte, mediaType string, compression int) (*picture, error) {
	came, decoded, err := looked(data)
	if err != nil || mediaType == "" || mediaType == came.mediaType {
		return came, err
	}
	var out bytes.Buffer
	switch mediaType {
	case jpegType:
		err = jpeg.Encode(&out, onWhite(decoded), &jpeg.Options{Quality: max(1, compression)})
	case pngType:
		err = png.Encode(&out, decoded)
	default:
		return nil, errors.New("it came in another type than was asked for")
	}
	return &picture{out.Bytes(), mediaType, came.width, came.height}, err
}

// onWhite is the picture without transparency, which JPEG has none of.
func onWhite(decoded image.Image) image.Image {
	ground := image.NewRGBA(decoded.Bounds())
	draw.Draw(ground, ground.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(ground, ground.Bounds(), decoded, decoded.Bounds().Min, draw.Over)
	return ground
}
