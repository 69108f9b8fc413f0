import os
import tempfile

from cozepy import AudioFormat

from . import method
from .common import NOWHERE, SCRIPTED, fresh, refused, wav


def voice(context):
    return next(iter(context.coze.audio.voices.list(page_size=10))).voice_id


@method("audio.voices.list", "ListVoices")
def _(context):
    page = context.coze.audio.voices.list(page_size=10)
    assert page.items and all(it.voice_id and it.name and it.language_code for it in page.items)
    own = context.coze.audio.voices.list(filter_system_voice=True)
    assert not any(it.is_system_voice for it in own)


@method("audio.voices.clone", "CloneVoice ListVoices")
def _(context):
    made = context.coze.audio.voices.clone(
        voice_name=fresh("my voice"), file=wav(), audio_format=AudioFormat.WAV, language="en"
    )
    own = context.coze.audio.voices.list(filter_system_voice=True)
    assert made.voice_id in [it.voice_id for it in own]


@method("audio.speech.create", "CreateSpeech ListVoices")
def _(context):
    speech = context.coze.audio.speech.create(
        input="Hello, 你好", voice_id=voice(context), response_format=AudioFormat.WAV
    )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "speech.wav")
        speech.write_to_file(path)
        with open(path, "rb") as file:
            assert file.read(4) == b"RIFF"
    refused(lambda: context.coze.audio.speech.create(input="", voice_id=voice(context)), 4000)


@method("audio.transcriptions.create", "CreateTranscription")
def _(context):
    assert isinstance(context.coze.audio.transcriptions.create(file=wav()).text, str)
    refused(lambda: context.coze.audio.transcriptions.create(file=("a.wav", b"not audio")), 4303)


@method("audio.rooms.create", "CreateRoom")
def _(context):
    room = context.coze.audio.rooms.create(bot_id=SCRIPTED)
    assert room.room_id and room.token and room.uid and room.app_id


@method("audio.live.retrieve", "RetrieveLive")
def _(context):
    assert context.coze.audio.live.retrieve(live_id=NOWHERE).app_id


def groups(context):
    return context.coze.audio.voiceprint_groups


def features(context):
    return context.coze.audio.voiceprint_groups.features


def group(context):
    return groups(context).create(name=fresh("group"), desc="d").id


def found(context, group_id):
    return [(it.name, it.desc) for it in groups(context).list(group_id=group_id)]


@method("audio.voiceprint_groups.create", "CreateVoiceprintGroup ListVoiceprintGroups")
def _(context):
    name = fresh("group")
    made = groups(context).create(name=name, desc="d")
    assert found(context, made.id) == [(name, "d")]


@method("audio.voiceprint_groups.list", "ListVoiceprintGroups CreateVoiceprintGroup")
def _(context):
    made = {group(context) for _ in range(3)}
    page = groups(context).list(page_size=2)
    assert len(page.items) == 2 and page.total >= 3
    assert made <= {it.id for it in page}


@method("audio.voiceprint_groups.update", "UpdateVoiceprintGroup CreateVoiceprintGroup ListVoiceprintGroups")
def _(context):
    group_id = group(context)
    groups(context).update(group_id=group_id, name="renamed", desc="new")
    assert found(context, group_id) == [("renamed", "new")]


@method("audio.voiceprint_groups.delete", "DeleteVoiceprintGroup CreateVoiceprintGroup ListVoiceprintGroups")
def _(context):
    group_id = group(context)
    groups(context).delete(group_id=group_id)
    assert found(context, group_id) == []


FEATURE = "CreateVoiceprint CreateVoiceprintGroup ListVoiceprints"


def feature(context, group_id, name):
    return features(context).create(group_id=group_id, name=name, file=wav(), desc="d").id


def names(context, group_id):
    return [it.name for it in features(context).list(group_id=group_id)]


@method("audio.voiceprint_groups.features.create", FEATURE)
def _(context):
    group_id = group(context)
    assert feature(context, group_id, "Ada")
    assert names(context, group_id) == ["Ada"]


@method("audio.voiceprint_groups.features.list", "ListVoiceprints CreateVoiceprint CreateVoiceprintGroup")
def _(context):
    group_id = group(context)
    for name in ("a", "b", "c"):
        feature(context, group_id, name)
    page = features(context).list(group_id=group_id, page_size=2)
    assert len(page.items) == 2 and page.total == 3
    assert sorted(it.name for it in page) == ["a", "b", "c"]


@method("audio.voiceprint_groups.features.update", f"UpdateVoiceprint {FEATURE}")
def _(context):
    group_id = group(context)
    made = feature(context, group_id, "Ada")
    features(context).update(group_id=group_id, feature_id=made, name="Eve", file=wav(2))
    assert names(context, group_id) == ["Eve"]


@method("audio.voiceprint_groups.features.delete", f"DeleteVoiceprint {FEATURE}")
def _(context):
    group_id = group(context)
    made = feature(context, group_id, "Ada")
    features(context).delete(group_id=group_id, feature_id=made)
    assert names(context, group_id) == []


@method("audio.voiceprint_groups.speaker_identify", f"IdentifySpeaker {FEATURE}")
def _(context):
    group_id = group(context)
    made = feature(context, group_id, "Ada")
    answer = groups(context).speaker_identify(group_id=group_id, file=wav())
    assert [(it.feature_id, it.feature_name) for it in answer.feature_score_list] == [(made, "Ada")]
