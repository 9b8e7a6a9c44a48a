package rpc

import (
	"slices"
	"sync"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	rpcv1 "github.com/hengdai/hengdai/api/rpc/v1"
	"github.com/hengdai/hengdai/kit/errs"
)

// Why a caller is not let in.
var (
	// ErrSignIn answers a caller who is not signed in and would have to be.
	ErrSignIn = errs.New(errs.Unauthenticated, "rpc.sign_in", "请先登录。", "Please sign in.")
	// ErrNotAllowed answers a caller who may not call the method.
	ErrNotAllowed = errs.New(errs.Denied, "rpc.not_allowed", "您没有权限进行此操作。", "You may not do this.")
)

var accesses sync.Map // procedure -> *rpcv1.Access, nil if the method has none

// accessOf answers the access option of a method; nil means that nobody may call it.
func accessOf(spec connect.Spec) *rpcv1.Access {
	if known, ok := accesses.Load(spec.Procedure); ok {
		return known.(*rpcv1.Access)
	}
	var access *rpcv1.Access
	if method, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && proto.HasExtension(method.Options(), rpcv1.E_Access) {
		access, _ = proto.GetExtension(method.Options(), rpcv1.E_Access).(*rpcv1.Access)
	}
	accesses.Store(spec.Procedure, access)
	return access
}

// admit says whether a principal may call a method.
func admit(access *rpcv1.Access, p Principal) error {
	if !slices.Contains(access.GetCallers(), rpcv1.Caller(p.Kind)) {
		if p.Kind == Anonymous && access != nil {
			return ErrSignIn
		}
		return ErrNotAllowed
	}
	switch {
	case p.Kind == Staff && len(access.GetRoles()) > 0 && !p.HasRole(access.GetRoles()...):
		return ErrNotAllowed
	case p.Kind == Service && len(access.GetServices()) > 0 && !slices.Contains(access.GetServices(), p.Service):
		return ErrNotAllowed
	}
	return nil
}
