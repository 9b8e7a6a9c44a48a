package rpc

import (
	"bytes"
	"crypto/rand"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

// Connect decodes a message before any interceptor sees it, and sends a decoding error as its text. To answer with a
// field and a sentence in the caller's language instead, the codecs below leave the error in the message's unknown
// fields, marked by bytes that no client can know, and the interceptor finds it there.
const faultField = protowire.MaxValidNumber

var faultMark = func() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return b
}()

// leaveFault puts a decoding error where takeFault finds it.
func leaveFault(m proto.Message, e *errs.Error) error {
	detail, err := proto.Marshal(&rpcv1.ErrorDetail{Reason: e.Reason, Field: e.Field, SentenceZh: e.ZH, SentenceEn: e.EN})
	if err != nil {
		return fmt.Errorf("writing a decoding error: %w", err)
	}
	proto.Reset(m)
	raw := protowire.AppendTag(nil, faultField, protowire.BytesType)
	raw = protowire.AppendBytes(raw, append(bytes.Clone(faultMark), detail...))
	m.ProtoReflect().SetUnknown(raw)
	return nil
}

// takeFault answers the decoding error that was left in a message, nil if it was decoded.
func takeFault(m proto.Message) *errs.Error {
	raw := m.ProtoReflect().GetUnknown()
	if len(raw) == 0 {
		return nil
	}
	num, kind, n := protowire.ConsumeTag(raw)
	if n < 0 || num != faultField || kind != protowire.BytesType {
		return nil
	}
	value, n := protowire.ConsumeBytes(raw[n:])
	if n < 0 || !bytes.HasPrefix(value, faultMark) {
		return nil
	}
	detail := new(rpcv1.ErrorDetail)
	if proto.Unmarshal(value[len(faultMark):], detail) != nil {
		return ErrInternal
	}
	return FromDetail(errs.Invalid, detail)
}

// WriteJSON is how messages are shown as JSON everywhere: zero values included, 64-bit integers as strings.
func WriteJSON(dst []byte, m proto.Message) ([]byte, error) {
	return protojson.MarshalOptions{EmitDefaultValues: true}.MarshalAppend(dst, m)
}

// ReadJSON reads a message strictly. What is wrong with it comes back as an error that names the field.
func ReadJSON(data []byte, m proto.Message) *errs.Error {
	if err := (protojson.UnmarshalOptions{RecursionLimit: 64}).Unmarshal(data, m); err != nil {
		return explainJSON(data, m.ProtoReflect().Descriptor())
	}
	return nil
}

type jsonCodec struct{ name string }

func (c jsonCodec) Name() string { return c.name }

func (c jsonCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (jsonCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", message)
	}
	return WriteJSON(dst, m)
}

func (jsonCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", message)
	}
	if len(data) == 0 {
		data = []byte("{}")
	}
	if e := ReadJSON(data, m); e != nil {
		return leaveFault(m, e)
	}
	return nil
}

func (c jsonCodec) MarshalStable(message any) ([]byte, error) { return c.Marshal(message) }

func (jsonCodec) IsBinary() bool { return false }

type binaryCodec struct{}

func (binaryCodec) Name() string { return "proto" }

func (c binaryCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (binaryCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", message)
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

func (binaryCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message", message)
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return leaveFault(m, errBroken)
	}
	return nil
}

func (binaryCodec) MarshalStable(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", message)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

func (binaryCodec) IsBinary() bool { return true }
