; The installer for Windows, made by platform/packages/windows.py: for one user, without an
; administrator. /S installs silently, /D=FOLDER (the last word, without quotes) says where.
;
; Exit status: 0 done; 1 given up by the user; 2 the program runs, or a file could not be written.

Unicode true
Target amd64-unicode
SetDateSave off
SetCompressor /SOLID lzma
CRCCheck force
ManifestDPIAware true
RequestExecutionLevel user
AllowSkipFiles off

!include "LogicLib.nsh"
!include "WinMessages.nsh"

!define NAME "syncin-mount"
!define LISTED "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define WINFSP "https://winfsp.dev/rel/"

Name "${NAME} ${VERSION}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "${LISTED}" "InstallLocation"
VIProductVersion "${NUMBER}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "FileDescription" "Installs ${NAME}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "The syncin-mount maintainers; AGPL-3.0-or-later"

Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

; What runs cannot be replaced: told before anything is changed.
!macro refuse_while_it_runs WHERE
    ${If} ${FileExists} "${WHERE}\python\python.exe"
        ClearErrors
        FileOpen $0 "${WHERE}\python\python.exe" a
        ${If} ${Errors}
            MessageBox MB_OK|MB_ICONSTOP \
                "${NAME} runs. Unmount its drives (syncin-mount down), then start this again." \
                /SD IDOK
            SetErrorLevel 2
            Quit
        ${EndIf}
        FileClose $0
    ${EndIf}
!macroend

!macro tell_of_new_path
    SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
!macroend

Section
    !insertmacro refuse_while_it_runs "$INSTDIR"
    ; The files of a former version go first: a newer one may have others.
    ReadRegStr $1 HKCU "${LISTED}" "InstallLocation"
    ${If} $1 != ""
    ${AndIf} ${FileExists} "$1\uninstall.exe"
        DetailPrint "Removing the version in $1"
        ExecWait '"$1\uninstall.exe" /S _?=$1' $2
        ${If} $2 != 0
            SetErrorLevel 2
            Abort "The version in $1 could not be removed."
        ${EndIf}
        Delete "$1\uninstall.exe"
        RMDir "$1"
    ${EndIf}

    ; Written first: what is interrupted from here on can be removed.
    SetOutPath "$INSTDIR"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKCU "${LISTED}" "DisplayName" "${NAME}"
    WriteRegStr HKCU "${LISTED}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${LISTED}" "Publisher" "The syncin-mount maintainers"
    WriteRegStr HKCU "${LISTED}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKCU "${LISTED}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKCU "${LISTED}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKCU "${LISTED}" "EstimatedSize" ${SIZE}
    WriteRegDWORD HKCU "${LISTED}" "NoModify" 1
    WriteRegDWORD HKCU "${LISTED}" "NoRepair" 1

    ClearErrors
    !include "${FILES}"
    ${If} ${Errors}
        SetErrorLevel 2
        Abort "A file could not be written to $INSTDIR."
    ${EndIf}
    SetOutPath "$PROFILE"
    CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$SYSDIR\cmd.exe" \
        '/K ""$INSTDIR\${NAME}.exe" --help"' "$INSTDIR\${NAME}.exe"
    ExecWait '"$INSTDIR\python\pythonw.exe" -I "$INSTDIR\python\on_path.py" add "$INSTDIR"'
    !insertmacro tell_of_new_path

    ; A driver for all users of the computer: its own installer needs an administrator.
    SetRegView 32
    ReadRegStr $0 HKLM "Software\WinFsp" "InstallDir"
    SetRegView 64
    ${If} $0 == ""
        DetailPrint "WinFsp is missing, which drives need: ${WINFSP}"
        MessageBox MB_YESNO|MB_ICONINFORMATION \
            "Drives need WinFsp 2.0 or newer, which is not on this computer yet.$\r$\n$\r$\n\
            WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos$\r$\n\
            ${WINFSP}$\r$\n$\r$\nOpen its page now?" \
            /SD IDNO IDNO done
        ExecShell "open" "${WINFSP}"
        done:
    ${EndIf}
SectionEnd

Section "Uninstall"
    !insertmacro refuse_while_it_runs "$INSTDIR"
    ExecWait '"$INSTDIR\python\pythonw.exe" -I "$INSTDIR\python\on_path.py" remove "$INSTDIR"'
    !insertmacro tell_of_new_path
    ; The folder that Windows stands in cannot be removed.
    SetOutPath "$TEMP"
    !include "${REMOVAL}"
    Delete "$SMPROGRAMS\${NAME}.lnk"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR"
    DeleteRegKey HKCU "${LISTED}"
    DetailPrint "Settings and local copies stay where they are."
SectionEnd
